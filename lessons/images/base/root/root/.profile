# Read once by a login shell.
if [ -n "${BASH_VERSION-}" ] && [ -r ~/.bashrc ]; then . ~/.bashrc; fi
case :$PATH: in *:"$HOME/.local/bin":*) ;; *) PATH=$HOME/.local/bin:$PATH ;; esac
