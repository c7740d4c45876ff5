#!/usr/bin/env bash
# Makes Swift of the console's files, after they were edited: Sources/Gateway/Console/Page/* become string literals in
# Sources/Gateway/Console/Embedded/. A test fails where that was forgotten.
set -euo pipefail
# shellcheck source=ops/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder=Sources/Gateway/Console
mkdir -p $folder/Embedded
rm -f $folder/Embedded/*.swift
cat > $folder/Embedded/EmbeddedConsole.swift << 'END'
/// The console's files as `ops/embed-console.sh` made them of those under `Page/`, each with its entity-tag.
enum EmbeddedConsole {}
END
for file in "$folder"/Page/*; do
    name=$(basename "$file")
    constant=${name%.*}$(tr '[:lower:]' '[:upper:]' <<< "${name##*.}")
    if grep -q '"""' "$file"; then die "$file holds three quotation marks in a row, which end the literal"; fi
    {
        printf '// swift-format-ignore-file\n// Made by ops/embed-console.sh of Page/%s: edit that.\n\n' "$name"
        printf 'extension EmbeddedConsole {\n'
        printf '    static let %sTag: StaticString = "\\"%s\\""\n' "$constant" "$(sha256sum "$file" | cut -c 1-16)"
        printf '    static let %s: StaticString = ##"""\n' "$constant"
        cat "$file"
        printf '\n"""##\n}\n'
    } > "$folder/Embedded/$constant.swift"
done
