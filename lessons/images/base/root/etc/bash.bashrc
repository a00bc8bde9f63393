# Read by every interactive bash. It starts no program: a terminal's first prompt waits for it.

case $- in *i*) ;; *) return ;; esac

# Each command is noted as soon as it has run, twice if it ran twice: checks of lessons read it.
shopt -s checkwinsize histappend
HISTCONTROL=ignorespace HISTSIZE=5000

if [ "$EUID" -eq 0 ]; then
  PS1='\[\e[1;31m\]\u@\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]# '
else
  PS1='\[\e[1;32m\]\u@\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ '
fi
# For the page, which draws neither: how the last command ended (OSC 133;D, as terminals with shell
# integration know it), and the folder one is in, which is the window's name and the tab's.
# And what a program left switched on is off: the mouse, an alphabet of lines, a cursor that isn't
# seen. One that was killed may have left the other screen and margins, too; what ends those moves
# the cursor, and a line that is full would lose its end, so it is only done after a signal.
_calm=() # after what ended by itself, and after what a signal ended
case $TERM in xterm*)
  _calm[0]=$'\e[?1;9;1000;1002;1003;1004;1005;1006;1015;1016l\e[4l\e[?7;25h\e>\e(B\017\e[m'
  _calm[1]=$'\e7\e[?1049l\e7\e[?6l\e[r\e8'${_calm[0]} ;;
esac
PROMPT_COMMAND='printf "\e]133;D;%s\a\e]0;%s\a%s" "$?" "${PWD/#$HOME/\~}" "${_calm[$? > 128]-}"; history -a'

alias ls='ls --color=auto' ll='ls -l' la='ls -A'
alias grep='grep --color=auto' diff='diff --color=auto' ip='ip -color=auto'

# Completion is read when Tab is first pressed for a command, not before the prompt.
_load_completion() {
  unset -f _load_completion
  complete -r -D
  . /usr/share/bash-completion/bash_completion
  return 124
}
complete -D -F _load_completion -o bashdefault -o default
