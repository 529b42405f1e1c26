"""Sticker sets: made, changed and deleted by the bot, sent by it, seen again by name and by custom emoji."""

import re
import secrets

from .contract import make
from .more_methods import UPLOAD_BYTES_MAX, bad
from .params import Upload

STICKERS_MAX = {'regular': 120, 'mask': 120, 'custom_emoji': 200}
ICONS = ('💬', '📣', '❓')


class Stickers:
    def sets(self):
        return self.world.kept['sticker_sets']

    def set_named(self, name):
        found = self.sets().get(name.lower())
        if found is None:
            raise bad('STICKERSET_INVALID')
        return found

    def sticker_at(self, values, name='sticker'):
        """(set, place) of a sticker of the bot's sets."""
        for one in self.sets().values():
            for at, sticker in enumerate(one['stickers']):
                if sticker['file_id'] == values[name]:
                    return one, at
        raise bad('STICKER_INVALID')

    def made(self, one, set_, uploads):
        """A Sticker of an InputSticker."""
        file = self.file('sticker', UPLOAD_BYTES_MAX, self.part(one['sticker'], uploads))
        sticker = make('Sticker', {
            **file.ids(), 'type': set_['sticker_type'], 'width': 512, 'height': 512, 'set_name': set_['name'],
            'is_animated': one['format'] == 'animated', 'is_video': one['format'] == 'video',
            'emoji': one['emoji_list'][0], 'mask_position': one.get('mask_position'),
            'custom_emoji_id': str(secrets.randbits(62)) if set_['sticker_type'] == 'custom_emoji' else None,
            'needs_repainting': set_.get('needs_repainting') or None})
        self.world.kept['stickers'][file.id] = sticker
        return sticker

    def custom_emoji(self, wanted):
        """The sticker of a custom emoji."""
        for one in [*self.icons(), *self.world.kept['stickers'].values()]:
            if one.get('custom_emoji_id') == wanted:
                return one
        raise bad('DOCUMENT_INVALID')

    def icons(self):
        """What Telegram itself offers as icons of topics."""
        if not self.world.kept['icons']:
            for at, emoji in enumerate(ICONS):
                file = self.file('sticker', UPLOAD_BYTES_MAX, Upload(f'icon{at}.webp', 'image/webp', emoji.encode()))
                self.world.kept['icons'][emoji] = make('Sticker', {
                    **file.ids(), 'type': 'custom_emoji', 'width': 100, 'height': 100, 'emoji': emoji,
                    'custom_emoji_id': str(5000000000000000000 + at)})
        return list(self.world.kept['icons'].values())

    def getForumTopicIconStickers(self, _):
        return self.icons()

    def getCustomEmojiStickers(self, values):
        known = [*self.icons(), *self.world.kept['stickers'].values()]
        return [one for wanted in values['custom_emoji_ids'] for one in known if one.get('custom_emoji_id') == wanted]

    def getStickerSet(self, values):
        return make('StickerSet', self.set_named(values['name']))

    def uploadStickerFile(self, values):
        if not isinstance(values['sticker'], Upload):
            raise bad('sticker must be uploaded as an InputFile')
        file = self.file('sticker', UPLOAD_BYTES_MAX, values['sticker'])
        return {**file.ids(), 'file_path': file.path}

    def createNewStickerSet(self, values):
        name = values['name']
        if not re.fullmatch(r'[a-z](_?[a-z0-9])*_by_' + self.world.bot['username'], name, re.I):
            raise bad('invalid sticker set name is specified')
        if name.lower() in self.sets():
            raise bad('sticker set name is already occupied')
        new = {'name': name, 'title': values['title'], 'sticker_type': values.get('sticker_type', 'regular'),
               'needs_repainting': values.get('needs_repainting'), 'owner': values['user_id'], 'thumbnail': None}
        new['stickers'] = [self.made(one, new, values.uploads) for one in values['stickers']]
        self.sets()[name.lower()] = new
        return True

    def owned(self, values):
        found = self.set_named(values['name'])
        if found['owner'] != values['user_id']:
            raise bad('STICKERSET_INVALID')
        return found

    def addStickerToSet(self, values):
        set_ = self.owned(values)
        if len(set_['stickers']) >= STICKERS_MAX[set_['sticker_type']]:
            raise bad('STICKERS_TOO_MUCH')
        set_['stickers'].append(self.made(values['sticker'], set_, values.uploads))
        return True

    def replaceStickerInSet(self, values):
        set_, (found, at) = self.owned(values), self.sticker_at(values, 'old_sticker')
        if found is not set_:
            raise bad('STICKER_INVALID')
        set_['stickers'][at] = self.made(values['sticker'], set_, values.uploads)
        return True

    def setStickerPositionInSet(self, values):
        set_, at = self.sticker_at(values)
        if not 0 <= values['position'] < len(set_['stickers']):
            raise bad('invalid position specified')
        set_['stickers'].insert(values['position'], set_['stickers'].pop(at))
        return True

    def deleteStickerFromSet(self, values):
        set_, at = self.sticker_at(values)
        del set_['stickers'][at]
        return True

    def setStickerEmojiList(self, values):
        set_, at = self.sticker_at(values)
        set_['stickers'][at]['emoji'] = values['emoji_list'][0]
        return True

    def setStickerKeywords(self, values):
        words = values.get('keywords', [])
        if sum(map(len, words)) > 64:
            raise bad('STICKER_KEYWORDS_TOO_LONG')
        self.sticker_at(values)
        self.world.kept['keywords'][values['sticker']] = words
        return True

    def setStickerMaskPosition(self, values):
        set_, at = self.sticker_at(values)
        if set_['sticker_type'] != 'mask':
            raise bad('STICKER_MASK_COORDS_NOT_SUPPORTED')
        set_['stickers'][at].pop('mask_position', None)
        if values.get('mask_position'):
            set_['stickers'][at]['mask_position'] = values['mask_position']
        return True

    def setStickerSetTitle(self, values):
        self.set_named(values['name'])['title'] = values['title']
        return True

    def setStickerSetThumbnail(self, values):
        set_ = self.owned(values)
        given = values.get('thumbnail')
        set_['thumbnail'] = given and {**self.file('sticker', UPLOAD_BYTES_MAX, given).ids(), 'width': 100,
                                       'height': 100}
        return True

    def setCustomEmojiStickerSetThumbnail(self, values):
        set_, wanted = self.set_named(values['name']), values.get('custom_emoji_id')
        if set_['sticker_type'] != 'custom_emoji':
            raise bad('STICKERSET_INVALID')
        found = next((one for one in set_['stickers'] if one['custom_emoji_id'] == wanted), None)
        if wanted and found is None:
            raise bad('STICKER_INVALID')
        set_['thumbnail'] = found and {name: found[name] for name in ('file_id', 'file_unique_id', 'width', 'height')}
        return True

    def deleteStickerSet(self, values):
        del self.sets()[self.set_named(values['name'])['name'].lower()]
        return True
