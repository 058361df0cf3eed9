#!/usr/bin/env bash
# Opens reports in a real browser, at the width of a phone and of a desktop, in light and dark: they must load without
# an error or a request, stay within their window, and show every figure with text that can be read.
#
#   tests/browser/check.sh                   sample pages are made and checked
#   tests/browser/check.sh FOLDER FILE...    these pages are checked; screenshots go to FOLDER, none where it is -
#
# Needs `chromium` on PATH (Debian: apt-get install chromium); says so and passes where there is none.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
command -v chromium >/dev/null || { echo "skipped: there is no chromium on PATH"; exit 0; }
if [ $# -eq 0 ]; then
    root=$(cd "$here/../.." && pwd)
    (cd "$root" && cargo run -q -p scant-engine --example sample_pages -- target/pages) || exit 1
    set -- "$root/target/pages/screenshots" "$root"/target/pages/*.html
fi
[ $# -ge 2 ] || { sed -n '2,10p' "$0"; exit 2; }
shots=$1 && shift
[ "$shots" = - ] || mkdir -p "$shots"
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT

browse() {
    timeout 60 chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
        --disable-component-update --disable-sync --hide-scrollbars --allow-file-access-from-files \
        --user-data-dir="$profile" --enable-logging=stderr --virtual-time-budget=4000 "$@" 2>"$profile/log"
}

wrong=0
for file in "$@"; do
    page="file://$(realpath "$file")"
    name=$(basename "$file" .html)
    for width in 390 1400; do
        url="file://$here/frame.html#$width,$page"
        said=$(browse --dump-dom --window-size=1500,1000 "$url" | sed -n '/<pre>/,$p' | sed -e 's/.*<pre>//' -e '/<\/pre>/{s/<\/pre>.*//;q}')
        grep -E 'CONSOLE' "$profile/log" | sed 's/^/WRONG console: /' >"$profile/console"
        said="$said"$'\n'"$(cat "$profile/console")"
        echo "$name at $width px: ${said#MEASURED }"
        case $said in *WRONG*) wrong=1 ;; MEASURED*) ;; *) echo "WRONG it was not measured"; wrong=1 ;; esac
        [ "$shots" = - ] && continue
        height=$(sed -n 's/.*MEASURED.*height \([0-9]*\).*/\1/p' <<<"$said")
        for scheme in light dark; do
            dark=(); [ $scheme = dark ] && dark=(--blink-settings=preferredColorScheme=0)
            browse "${dark[@]}" --screenshot="$shots/$name-$width-$scheme.png" --window-size="$((width < 500 ? 500 : width)),${height:-2000}" "$url" >/dev/null
        done
    done
done
exit $wrong
