#include <stdio.h>

#include <bzlib.h>
#include <curl/curl.h>
#include <expat.h>
#include <ffi.h>
#include <gmp.h>
#include <libxml/parser.h>
#include <lzma.h>
#include <ncurses.h>
#include <openssl/evp.h>
#include <readline/readline.h>
#include <sqlite3.h>
#include <zlib.h>
#include <zstd.h>

int main(void)
{
    printf("bzip2 %s\n", BZ2_bzlibVersion());
    printf("curl %s\n", curl_version());
    printf("expat %s\n", XML_ExpatVersion());
    printf("ffi %d\n", (int)FFI_DEFAULT_ABI);
    printf("gmp %s\n", gmp_version);
    printf("lzma %s\n", lzma_version_string());
    printf("ncurses %s\n", curses_version());
    printf("openssl %s\n", EVP_MD_get0_name(EVP_sha256()));
    printf("readline %s\n", rl_library_version);
    printf("sqlite %s\n", sqlite3_libversion());
    printf("xml %s\n", LIBXML_DOTTED_VERSION);
    printf("zlib %s\n", zlibVersion());
    printf("zstd %s\n", ZSTD_versionString());
    return 0;
}
