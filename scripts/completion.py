r"""What bash, zsh and fish must know of a program: how to ask it, at each TAB, what could come next.

Each script hands the line up to the cursor to the program, and is given a value, a tab and its help a line: what Typer
answers fish, since that is plain text, where its answers to bash and zsh are code that they evaluate, and break on
quotes, colons and blanks. Where the program knows nothing, files are offered.
"""

from string import Template

# In these templates, $$ is a shell's $. The errors of a line that is no command yet are nobody's business, and another
# `speak`, such as eSpeak's, must not wait for a text: 2>/dev/null, </dev/null.

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
    """The three scripts of `program`, by the path of each under completions/."""
    names = {f"{program}.bash": BASH, f"_{program}": ZSH, f"{program}.fish": FISH}
    variable = f"_{program.upper()}_COMPLETE"
    return {name: Template(text).substitute(program=program, variable=variable) for name, text in names.items()}
