# Bash completion for spark: put it into /usr/share/bash-completion/completions/spark, or source it.

_spark() {
    local current=${COMP_WORDS[COMP_CWORD]}
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W 'sum --version --help' -- "$current")
    elif [[ ${COMP_WORDS[1]} == sum ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    else
        COMPREPLY=()
    fi
}

complete -o filenames -F _spark spark
