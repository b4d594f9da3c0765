# Bash completion for pulse: put it into /usr/share/bash-completion/completions/pulse, or source it.

_pulse() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    COMPREPLY=()
    case $previous in
        --log)
            mapfile -t COMPREPLY < <(compgen -W 'debug info warn error' -- "$current")
            return
            ;;
        --config)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        --addr | --timeout)
            return
            ;;
    esac
    local words='serve check --version --help'
    case ${COMP_WORDS[1]} in
        serve) ((COMP_CWORD > 1)) && words='--addr --log --config --help' ;;
        check) ((COMP_CWORD > 1)) && words='--timeout --help' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _pulse pulse
