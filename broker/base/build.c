#include "base/build.h"

const char plv_build_version[] = PALAVER_VERSION;
const char plv_build_bin_dir[] = PALAVER_BIN;
const char plv_build_plugin_dir[] = PALAVER_PLUGINS;
const char plv_build_data_dir[] = PALAVER_SHARE;
const char plv_build_host_path[] = PALAVER_LIBEXEC "/palaver-adapter";
const char plv_build_conf_path[] = PALAVER_CONF "/palaver.conf";
