# bash completion for speak, written by scripts/documents.py

_speak_completion() {
    local value
    COMPREPLY=()
    while IFS=$'\t' read -r value _; do
        [[ -n $value ]] || continue
        # Inside quotes that the user has opened, readline quotes.
        [[ ${COMP_WORDS[COMP_CWORD]} == [\"\']* ]] || printf -v value %q "$value"
        COMPREPLY+=("$value")
    done < <(
        _SPEAK_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
            _TYPER_COMPLETE_ARGS="${COMP_LINE:0:COMP_POINT}" "${1/#\~/$HOME}" </dev/null 2>/dev/null
    )
}

# nosort came with bash 4.4.
complete -o default -o nosort -F _speak_completion speak 2>/dev/null ||
    complete -o default -F _speak_completion speak
