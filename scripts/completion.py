r"""Completion scripts of a program for bash, zsh and fish, which run the program at each TAB to get the candidates.

Each script passes the line up to the cursor to the program, and reads lines of a value, a tab and its help. This is
Typer's output for fish, which is plain text: its outputs for bash and zsh are code to evaluate, and break on quotes,
colons and blanks. If the program returns no candidates, the scripts offer files.
"""

from string import Template

# In these templates, $$ is a shell's $. 2>/dev/null hides the errors of incomplete commands, and </dev/null prevents
# another program named `speak`, such as eSpeak's, from waiting for text.

BASH = r"""# bash completion for ${program}, written by scripts/documents.py

_${program}_completion() {
    local value
    COMPREPLY=()
    while IFS=$$'\t' read -r value _; do
        [[ -n $$value ]] || continue
        # Inside quotes that the user has opened, readline quotes.
        [[ $${COMP_WORDS[COMP_CWORD]} == [\"\']* ]] || printf -v value %q "$$value"
        COMPREPLY+=("$$value")
    done < <(
        ${variable}=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
            _TYPER_COMPLETE_ARGS="$${COMP_LINE:0:COMP_POINT}" "$${1/#\~/$$HOME}" </dev/null 2>/dev/null
    )
}

# nosort came with bash 4.4.
complete -o default -o nosort -F _${program}_completion ${program} 2>/dev/null ||
    complete -o default -F _${program}_completion ${program}
"""

ZSH = r"""#compdef ${program}
# zsh completion for ${program}, written by scripts/documents.py

_${program}() {
    local answer line value help
    local -a candidates
    answer=$$(
        ${variable}=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
            _TYPER_COMPLETE_ARGS="$${(j: :)words[1,CURRENT-1]} $$QIPREFIX$$PREFIX" $${~words[1]} </dev/null 2>/dev/null
    )
    for line in $${(f)answer}; do
        value=$${line%%$$'\t'*}
        help=$${$${line#$$value}#$$'\t'}
        candidates+=("$${value//:/\\:}$${help:+:$$help}")
    done
    # Of --voice=f only the value is completed.
    compset -P '--*='
    if (( $$#candidates )); then
        _describe -V ${program} candidates
    else
        _files
    fi
}

# Loaded from fpath, this file is the function, and has just defined itself: the first TAB must call what it defined.
if [[ $$funcstack[1] == _${program} ]]; then
    _${program} "$$@"
else
    compdef _${program} ${program}
fi
"""

FISH = r"""# fish completion for ${program}, written by scripts/documents.py

function __${program}_completion
    set -l program (commandline --tokenize --current-process --cut-at-cursor)[1]
    set -l token (commandline --current-token --cut-at-cursor)
    set -l answer (
        env ${variable}=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args \
            _TYPER_COMPLETE_ARGS=(commandline --current-process --cut-at-cursor | string collect) \
            (string replace --regex '^~' $$HOME -- $$program) </dev/null 2>/dev/null
    )
    # Of --voice=f only the value is completed.
    set -l option (string match --regex -- '^--[^=]+=' $$token)
    test -n "$$answer"; or set answer (__fish_complete_path (string replace -- "$$option" '' $$token))
    string join \n -- "$$option"$$answer
end

complete --command ${program} --no-files --keep-order --arguments '(__${program}_completion)'
"""


def completions(program: str) -> dict[str, str]:
    """The three scripts of `program`, by file name under completions/."""
    names = {f"{program}.bash": BASH, f"_{program}": ZSH, f"{program}.fish": FISH}
    variable = f"_{program.upper()}_COMPLETE"
    return {name: Template(text).substitute(program=program, variable=variable) for name, text in names.items()}
