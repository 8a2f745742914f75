# fish completion for speak, written by scripts/documents.py

function __speak_completion
    set -l program (commandline --tokenize --current-process --cut-at-cursor)[1]
    set -l token (commandline --current-token --cut-at-cursor)
    set -l answer (
        env _SPEAK_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
            _TYPER_COMPLETE_ARGS=(commandline --current-process --cut-at-cursor | string collect) \
            (string replace --regex '^~' $HOME -- $program) </dev/null 2>/dev/null
    )
    # Of --voice=f only the value is completed.
    set -l option (string match --regex -- '^--[^=]+=' $token)
    test -n "$answer"; or set answer (__fish_complete_path (string replace -- "$option" '' $token))
    string join \n -- "$option"$answer
end

complete --command speak --no-files --keep-order --arguments '(__speak_completion)'
