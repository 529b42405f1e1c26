"""What of the Bot API the fake speaks, as facts: each method's parameters and result, each type's fields.

An entry is `NAME = RESULT` (a method), `NAME` (a type) or `NAME ...` (a type of which only these fields are used),
and below it its fields: `name!Type` is required, `name:Type` is not; `A|B` is one of them, `[A]` an array; `+NAME` are
the fields that SHARED lists under this name.
Types without an entry are objects whose inside is not looked at.
"""

import re

VERSION = 'Bot API 10.1'

# Fields that many methods have.
SHARED = {
    'place': 'chat_id!Integer|String message_thread_id:Integer direct_messages_topic_id:Integer',
    'text': 'caption:String parse_mode:String caption_entities:[MessageEntity]',
    'loud': 'disable_notification:Boolean protect_content:Boolean',
    'sent': 'business_connection_id:String disable_notification:Boolean protect_content:Boolean '
            'allow_paid_broadcast:Boolean message_effect_id:String '
            'suggested_post_parameters:SuggestedPostParameters reply_parameters:ReplyParameters '
            'reply_markup:InlineKeyboardMarkup|ReplyKeyboardMarkup|ReplyKeyboardRemove|ForceReply',
}

METHODS_TEXT = """
getMe = User
logOut = Boolean
close = Boolean
getUpdates = [Update]
    offset:Integer limit:Integer timeout:Integer allowed_updates:[String]
setWebhook = Boolean
    url!String certificate:InputFile ip_address:String max_connections:Integer allowed_updates:[String]
    drop_pending_updates:Boolean secret_token:String
deleteWebhook = Boolean
    drop_pending_updates:Boolean
getWebhookInfo = WebhookInfo
sendMessage = Message
    business_connection_id:String chat_id!Integer|String message_thread_id:Integer direct_messages_topic_id:Integer
    text!String parse_mode:String entities:[MessageEntity] link_preview_options:LinkPreviewOptions
    disable_notification:Boolean protect_content:Boolean allow_paid_broadcast:Boolean message_effect_id:String
    suggested_post_parameters:SuggestedPostParameters reply_parameters:ReplyParameters
    reply_markup:InlineKeyboardMarkup|ReplyKeyboardMarkup|ReplyKeyboardRemove|ForceReply
sendMessageDraft = Boolean
    chat_id!Integer message_thread_id:Integer draft_id!Integer text:String parse_mode:String
    entities:[MessageEntity]
sendPhoto = Message
    business_connection_id:String chat_id!Integer|String message_thread_id:Integer direct_messages_topic_id:Integer
    photo!InputFile|String caption:String parse_mode:String caption_entities:[MessageEntity]
    show_caption_above_media:Boolean has_spoiler:Boolean disable_notification:Boolean protect_content:Boolean
    allow_paid_broadcast:Boolean message_effect_id:String suggested_post_parameters:SuggestedPostParameters
    reply_parameters:ReplyParameters
    reply_markup:InlineKeyboardMarkup|ReplyKeyboardMarkup|ReplyKeyboardRemove|ForceReply
sendDocument = Message
    business_connection_id:String chat_id!Integer|String message_thread_id:Integer direct_messages_topic_id:Integer
    document!InputFile|String thumbnail:InputFile|String caption:String parse_mode:String
    caption_entities:[MessageEntity] disable_content_type_detection:Boolean disable_notification:Boolean
    protect_content:Boolean allow_paid_broadcast:Boolean message_effect_id:String
    suggested_post_parameters:SuggestedPostParameters reply_parameters:ReplyParameters
    reply_markup:InlineKeyboardMarkup|ReplyKeyboardMarkup|ReplyKeyboardRemove|ForceReply
sendChatAction = Boolean
    business_connection_id:String chat_id!Integer|String message_thread_id:Integer action!String
editMessageText = Message|Boolean
    business_connection_id:String chat_id:Integer|String message_id:Integer inline_message_id:String text:String
    parse_mode:String entities:[MessageEntity] link_preview_options:LinkPreviewOptions rich_message:InputRichMessage
    reply_markup:InlineKeyboardMarkup
editMessageReplyMarkup = Message|Boolean
    business_connection_id:String chat_id:Integer|String message_id:Integer inline_message_id:String
    reply_markup:InlineKeyboardMarkup
deleteMessage = Boolean
    chat_id!Integer|String message_id!Integer
deleteMessages = Boolean
    chat_id!Integer|String message_ids![Integer]
answerCallbackQuery = Boolean
    callback_query_id!String text:String show_alert:Boolean url:String cache_time:Integer
setMessageReaction = Boolean
    chat_id!Integer|String message_id!Integer reaction:[ReactionType] is_big:Boolean
getFile = File
    file_id!String
getChat = ChatFullInfo
    chat_id!Integer|String
getChatMember = ChatMember
    chat_id!Integer|String user_id!Integer
getChatMemberCount = Integer
    chat_id!Integer|String
getChatAdministrators = [ChatMember]
    chat_id!Integer|String return_bots:Boolean
leaveChat = Boolean
    chat_id!Integer|String
setMyCommands = Boolean
    commands![BotCommand] scope:BotCommandScope language_code:String
getMyCommands = [BotCommand]
    scope:BotCommandScope language_code:String
deleteMyCommands = Boolean
    scope:BotCommandScope language_code:String
sendAudio = Message
    +place +sent +text audio!InputFile|String duration:Integer performer:String title:String
    thumbnail:InputFile|String
sendVideo = Message
    +place +sent +text video!InputFile|String duration:Integer width:Integer height:Integer
    thumbnail:InputFile|String cover:InputFile|String start_timestamp:Integer show_caption_above_media:Boolean
    has_spoiler:Boolean supports_streaming:Boolean
sendAnimation = Message
    +place +sent +text animation!InputFile|String duration:Integer width:Integer height:Integer
    thumbnail:InputFile|String show_caption_above_media:Boolean has_spoiler:Boolean
sendVoice = Message
    +place +sent +text voice!InputFile|String duration:Integer
sendSticker = Message
    +place +sent sticker!InputFile|String emoji:String
sendMediaGroup = [Message]
    +place +loud business_connection_id:String allow_paid_broadcast:Boolean message_effect_id:String
    reply_parameters:ReplyParameters
    media![InputMediaAudio]|[InputMediaDocument]|[InputMediaLivePhoto]|[InputMediaPhoto]|[InputMediaVideo]
sendLocation = Message
    +place +sent latitude!Float longitude!Float horizontal_accuracy:Float live_period:Integer heading:Integer
    proximity_alert_radius:Integer
sendVenue = Message
    +place +sent latitude!Float longitude!Float title!String address!String foursquare_id:String
    foursquare_type:String google_place_id:String google_place_type:String
sendContact = Message
    +place +sent phone_number!String first_name!String last_name:String vcard:String
sendDice = Message
    +place +sent emoji:String
forwardMessage = Message
    +place +loud from_chat_id!Integer|String message_id!Integer video_start_timestamp:Integer
    message_effect_id:String suggested_post_parameters:SuggestedPostParameters
forwardMessages = [MessageId]
    +place +loud from_chat_id!Integer|String message_ids![Integer]
copyMessage = MessageId
    +place +loud +text from_chat_id!Integer|String message_id!Integer video_start_timestamp:Integer
    show_caption_above_media:Boolean allow_paid_broadcast:Boolean message_effect_id:String
    suggested_post_parameters:SuggestedPostParameters reply_parameters:ReplyParameters
    reply_markup:InlineKeyboardMarkup|ReplyKeyboardMarkup|ReplyKeyboardRemove|ForceReply
copyMessages = [MessageId]
    +place +loud from_chat_id!Integer|String message_ids![Integer] remove_caption:Boolean
editMessageCaption = Message|Boolean
    +text business_connection_id:String chat_id:Integer|String message_id:Integer inline_message_id:String
    show_caption_above_media:Boolean reply_markup:InlineKeyboardMarkup
pinChatMessage = Boolean
    business_connection_id:String chat_id!Integer|String message_id!Integer disable_notification:Boolean
unpinChatMessage = Boolean
    business_connection_id:String chat_id!Integer|String message_id:Integer
unpinAllChatMessages = Boolean
    chat_id!Integer|String
getUserProfilePhotos = UserProfilePhotos
    user_id!Integer offset:Integer limit:Integer
setMyName = Boolean
    name:String language_code:String
getMyName = BotName
    language_code:String
setMyDescription = Boolean
    description:String language_code:String
getMyDescription = BotDescription
    language_code:String
setMyShortDescription = Boolean
    short_description:String language_code:String
getMyShortDescription = BotShortDescription
    language_code:String
setChatMenuButton = Boolean
    chat_id:Integer menu_button:MenuButton
getChatMenuButton = MenuButton
    chat_id:Integer
"""

TYPES_TEXT = """
WebhookInfo
    url!String has_custom_certificate!Boolean pending_update_count!Integer ip_address:String last_error_date:Integer
    last_error_message:String last_synchronization_error_date:Integer max_connections:Integer
    allowed_updates:[String]
User ...
    id!Integer is_bot!Boolean first_name!String last_name:String username:String language_code:String
    is_premium:Boolean can_join_groups:Boolean can_read_all_group_messages:Boolean supports_guest_queries:Boolean
    supports_inline_queries:Boolean can_connect_to_business:Boolean has_main_web_app:Boolean
    has_topics_enabled:Boolean allows_users_to_create_topics:Boolean can_manage_bots:Boolean
    supports_join_request_queries:Boolean
Chat
    id!Integer type!String title:String username:String first_name:String last_name:String is_forum:Boolean
    is_direct_messages:Boolean
ChatFullInfo ...
    id!Integer type!String title:String username:String first_name:String last_name:String accent_color_id!Integer
    max_reaction_count!Integer bio:String description:String accepted_gift_types!AcceptedGiftTypes
AcceptedGiftTypes
    unlimited_gifts!Boolean limited_gifts!Boolean unique_gifts!Boolean premium_subscription!Boolean
    gifts_from_channels!Boolean
Message ...
    message_id!Integer message_thread_id:Integer from:User sender_chat:Chat date!Integer chat!Chat
    forward_origin:MessageOrigin reply_to_message:Message edit_date:Integer has_protected_content:Boolean
    media_group_id:String text:String entities:[MessageEntity] link_preview_options:LinkPreviewOptions
    effect_id:String audio:Audio document:Document photo:[PhotoSize] sticker:Sticker video:Video voice:Voice
    animation:Animation dice:Dice venue:Venue
    caption:String caption_entities:[MessageEntity] show_caption_above_media:Boolean has_media_spoiler:Boolean
    contact:Contact location:Location new_chat_members:[User] left_chat_member:User new_chat_title:String
    group_chat_created:Boolean supergroup_chat_created:Boolean migrate_to_chat_id:Integer
    migrate_from_chat_id:Integer pinned_message:MaybeInaccessibleMessage reply_markup:InlineKeyboardMarkup
MessageEntity
    type!String offset!Integer length!Integer url:String user:User language:String custom_emoji_id:String
    unix_time:Integer date_time_format:String
PhotoSize
    file_id!String file_unique_id!String width!Integer height!Integer file_size:Integer
Document
    file_id!String file_unique_id!String thumbnail:PhotoSize file_name:String mime_type:String file_size:Integer
Audio ...
    file_id!String file_unique_id!String duration!Integer performer:String title:String file_name:String
    mime_type:String file_size:Integer
Video ...
    file_id!String file_unique_id!String width!Integer height!Integer duration!Integer file_name:String
    mime_type:String file_size:Integer
Animation
    file_id!String file_unique_id!String width!Integer height!Integer duration!Integer thumbnail:PhotoSize
    file_name:String mime_type:String file_size:Integer
Voice
    file_id!String file_unique_id!String duration!Integer mime_type:String file_size:Integer
Sticker ...
    file_id!String file_unique_id!String type!String width!Integer height!Integer is_animated!Boolean
    is_video!Boolean emoji:String set_name:String file_size:Integer
Location
    latitude!Float longitude!Float horizontal_accuracy:Float live_period:Integer heading:Integer
    proximity_alert_radius:Integer
Venue
    location!Location title!String address!String foursquare_id:String foursquare_type:String google_place_id:String
    google_place_type:String
Dice
    emoji!String value!Integer
MessageId
    message_id!Integer
MessageOriginUser
    type!String date!Integer sender_user!User
InputMediaPhoto
    type!String media!String +text show_caption_above_media:Boolean has_spoiler:Boolean
InputMediaDocument
    type!String media!String +text thumbnail:String disable_content_type_detection:Boolean
InputMediaAudio
    type!String media!String +text thumbnail:String duration:Integer performer:String title:String
InputMediaVideo
    type!String media!String +text thumbnail:String cover:String start_timestamp:Integer
    show_caption_above_media:Boolean width:Integer height:Integer duration:Integer supports_streaming:Boolean
    has_spoiler:Boolean
UserProfilePhotos
    total_count!Integer photos![[PhotoSize]]
BotName
    name!String
BotDescription
    description!String
BotShortDescription
    short_description!String
MenuButtonCommands
    type!String
MenuButtonWebApp
    type!String text!String web_app!WebAppInfo
MenuButtonDefault
    type!String
Contact
    phone_number!String first_name!String last_name:String user_id:Integer vcard:String
File
    file_id!String file_unique_id!String file_size:Integer file_path:String
Update ...
    update_id!Integer message:Message edited_message:Message message_reaction:MessageReactionUpdated
    callback_query:CallbackQuery my_chat_member:ChatMemberUpdated chat_member:ChatMemberUpdated
CallbackQuery
    id!String from!User message:MaybeInaccessibleMessage inline_message_id:String chat_instance!String data:String
    game_short_name:String
MessageReactionUpdated
    chat!Chat message_id!Integer user:User actor_chat:Chat date!Integer old_reaction![ReactionType]
    new_reaction![ReactionType]
ChatMemberUpdated
    chat!Chat from!User date!Integer old_chat_member!ChatMember new_chat_member!ChatMember
    invite_link:ChatInviteLink via_join_request:Boolean via_chat_folder_invite_link:Boolean
ChatMemberAdministrator
    status!String user!User can_be_edited!Boolean is_anonymous!Boolean can_manage_chat!Boolean
    can_delete_messages!Boolean can_manage_video_chats!Boolean can_restrict_members!Boolean
    can_promote_members!Boolean can_change_info!Boolean can_invite_users!Boolean can_post_stories!Boolean
    can_edit_stories!Boolean can_delete_stories!Boolean can_post_messages:Boolean can_edit_messages:Boolean
    can_pin_messages:Boolean can_manage_topics:Boolean can_manage_direct_messages:Boolean can_manage_tags:Boolean
    custom_title:String
ChatMemberMember
    status!String tag:String user!User until_date:Integer
ChatMemberLeft
    status!String user!User
ChatMemberBanned
    status!String user!User until_date!Integer
ResponseParameters
    migrate_to_chat_id:Integer retry_after:Integer
InlineKeyboardMarkup
    inline_keyboard![[InlineKeyboardButton]]
InlineKeyboardButton
    text!String icon_custom_emoji_id:String style:String url:String callback_data:String web_app:WebAppInfo
    login_url:LoginUrl switch_inline_query:String switch_inline_query_current_chat:String
    switch_inline_query_chosen_chat:SwitchInlineQueryChosenChat copy_text:CopyTextButton callback_game:CallbackGame
    pay:Boolean
CopyTextButton
    text!String
ReplyKeyboardMarkup
    keyboard![[KeyboardButton]] is_persistent:Boolean resize_keyboard:Boolean one_time_keyboard:Boolean
    input_field_placeholder:String selective:Boolean
KeyboardButton
    text!String icon_custom_emoji_id:String style:String request_users:KeyboardButtonRequestUsers
    request_chat:KeyboardButtonRequestChat request_managed_bot:KeyboardButtonRequestManagedBot
    request_contact:Boolean request_location:Boolean request_poll:KeyboardButtonPollType web_app:WebAppInfo
ReplyKeyboardRemove
    remove_keyboard!Boolean selective:Boolean
ForceReply
    force_reply!Boolean input_field_placeholder:String selective:Boolean
ReplyParameters
    message_id!Integer chat_id:Integer|String allow_sending_without_reply:Boolean quote:String
    quote_parse_mode:String quote_entities:[MessageEntity] quote_position:Integer checklist_task_id:Integer
    poll_option_id:String
LinkPreviewOptions
    is_disabled:Boolean url:String prefer_small_media:Boolean prefer_large_media:Boolean show_above_text:Boolean
ReactionTypeEmoji
    type!String emoji!String
ReactionTypeCustomEmoji
    type!String custom_emoji_id!String
ReactionTypePaid
    type!String
BotCommand
    command!String description!String
BotCommandScopeDefault
    type!String
BotCommandScopeAllPrivateChats
    type!String
BotCommandScopeAllGroupChats
    type!String
BotCommandScopeAllChatAdministrators
    type!String
BotCommandScopeChat
    type!String chat_id!Integer|String
BotCommandScopeChatAdministrators
    type!String chat_id!Integer|String
BotCommandScopeChatMember
    type!String chat_id!Integer|String user_id!Integer
"""

UNIONS_TEXT = """
MaybeInaccessibleMessage = Message
MessageOrigin = MessageOriginUser
MenuButton = MenuButtonCommands|MenuButtonWebApp|MenuButtonDefault
ReactionType = ReactionTypeEmoji|ReactionTypeCustomEmoji|ReactionTypePaid
ChatMember = ChatMemberAdministrator|ChatMemberMember|ChatMemberLeft|ChatMemberBanned
BotCommandScope = BotCommandScopeDefault|BotCommandScopeAllPrivateChats|BotCommandScopeAllGroupChats
    |BotCommandScopeAllChatAdministrators|BotCommandScopeChat|BotCommandScopeChatAdministrators
    |BotCommandScopeChatMember
"""

# Every kind of update there is: what allowed_updates may name.
UPDATES_TEXT = """
    message edited_message channel_post edited_channel_post business_connection business_message
    edited_business_message deleted_business_messages guest_message message_reaction
    message_reaction_count inline_query chosen_inline_result callback_query shipping_query
    pre_checkout_query purchased_paid_media poll poll_answer my_chat_member chat_member
    chat_join_request chat_boost removed_chat_boost managed_bot
"""

# A bot gets these only when it names them.
UPDATES_OPT_IN = {'chat_member', 'message_reaction', 'message_reaction_count'}

# What clients written for an older API still send, and the real server still understands.
LEGACY = {'reply_to_message_id': 'Integer', 'allow_sending_without_reply': 'Boolean',
          'disable_web_page_preview': 'Boolean', 'thumb': 'InputFile|String'}


class Field:
    def __init__(self, required, type_, rule=None):
        self.required, self.type, self.rule = required, type_, rule  # rule: a contract.Rule


class Entry:
    """A method or a type: its name, what it gives (methods), its fields by name, and whether these are all."""

    def __init__(self, head):
        self.name, _, self.result = head.partition(' = ')
        self.whole = not self.name.endswith(' ...')
        self.name = self.name.removesuffix(' ...')
        self.fields = {}

    def add(self, text):
        words = [one for word in text.split() for one in (SHARED[word[1:]].split() if word[0] == '+' else [word])]
        for word in words:
            name, mark, type_ = re.fullmatch(r'(\w+)([!:])(\S+)', word).groups()
            self.fields[name] = Field(mark == '!', type_)


def read(text):
    entries, entry = {}, None
    for line in text.strip('\n').split('\n'):
        if line.startswith(' '):
            entry.add(line)
        else:
            entry = Entry(line)
            entries[entry.name] = entry
    return entries


def unions(text):
    return {name: ''.join(rest.split()).split('|') for name, rest in re.findall(r'^(\w+) = ((?:.|\n )+)', text, re.M)}


METHODS = read(METHODS_TEXT)
TYPES = read(TYPES_TEXT)
UNIONS = unions(UNIONS_TEXT)
UPDATES = UPDATES_TEXT.split()
BY_LOWER = {name.lower(): name for name in METHODS}


def split_type(type_):
    """The alternatives of `A|[B|C]|D`, at the top level only."""
    parts, depth, part = [], 0, ''
    for char in type_ + '|':
        depth += {'[': 1, ']': -1}.get(char, 0)
        if char == '|' and depth == 0:
            parts.append(part)
            part = ''
        else:
            part += char
    return parts


SCALARS = {'Integer': int, 'Float': (int, float), 'Boolean': bool, 'String': str, 'True': bool}


def problems(value, type_, path=''):
    """What is wrong with a JSON value of a type: [(kind, words)], kind being "type" or "unknown" (a field)."""
    kinds = split_type(type_)
    if len(kinds) > 1 and all(kind.startswith('[') for kind in kinds):
        kinds = ['[' + '|'.join(kind[1:-1] for kind in kinds) + ']']  # an array may hold each of them
    found = [problems_of_one(value, one, path) for one in kinds]
    return min(found, key=lambda some: (sum(kind == 'type' for kind, _ in some), len(some)))


def problems_of_one(value, type_, path):
    if type_ in SCALARS:
        good = isinstance(value, SCALARS[type_]) and (type_ == 'Boolean' or not isinstance(value, bool))
        return [] if good else [('type', f'{path or "it"} is not of type {type_}')]
    if type_.startswith('['):
        if not isinstance(value, list):
            return [('type', f'{path or "it"} is not an array')]
        return [problem for at, one in enumerate(value) for problem in problems(one, type_[1:-1], f'{path}[{at}]')]
    if type_ in UNIONS:
        return problems(value, '|'.join(UNIONS[type_]), path)
    if type_ == 'KeyboardButton' and isinstance(value, str):
        return []  # a button that only sends its text may be written as this text
    if not isinstance(value, dict):
        return [('type', f'{path or "it"} is not of type {type_}')]
    return problems_of_object(value, TYPES.get(type_), path)


def problems_of_object(value, entry, path):
    if entry is None:
        return []
    before = path + '.' if path else ''
    found = [('unknown', f'{entry.name} has no field {before}{name}') for name in value if name not in entry.fields]
    for name, field in entry.fields.items():
        if name in value:
            some = problems(value[name], field.type, before + name)
            if not some and field.rule and (wrong := field.rule.broken(value[name])):
                some = [('type', f'field "{before}{name}" {wrong}')]
            found += some
        elif field.required:
            found.append(('type', f'field "{before}{name}" is missing'))
    return found
