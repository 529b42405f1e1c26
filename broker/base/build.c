#include "base/build.h"

const char plv_build_version[] = PALAVER_VERSION;
const char plv_build_bin_dir[] = PALAVER_PREFIX "/bin";
const char plv_build_plugin_dir[] = PALAVER_PREFIX "/lib/palaver/plugins";
const char plv_build_host_path[] = PALAVER_PREFIX "/libexec/palaver/palaver-adapter";
const char plv_build_conf_path[] = PALAVER_SYSCONFDIR "/palaver/palaver.conf";
