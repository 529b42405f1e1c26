/*  build -- which build this is, and where it was installed
    OWNS    nothing: constants
    THREAD  any
    FAILS   never
    COST    none

    The values come from SConstruct: VERSION, PREFIX, and the commit in a release build.  */

#ifndef PLV_BASE_BUILD_H
#define PLV_BASE_BUILD_H

/*  "0.1.0", and in a release build "0.1.0+3f2a91c4".  */
extern const char plv_build_version[];

/*  Where `scons install` puts things, without DESTDIR.  */
extern const char plv_build_bin_dir[];    /* the programs: PREFIX/bin */
extern const char plv_build_plugin_dir[]; /* the adapters: PREFIX/lib/palaver/plugins */
extern const char
    plv_build_data_dir[]; /* PREFIX/share/palaver; an agent's files in a folder of its name */
extern const char plv_build_host_path[]; /* PREFIX/libexec/palaver/palaver-adapter */
extern const char plv_build_conf_path[]; /* /etc/palaver/palaver.conf, or the same under PREFIX */

#endif
