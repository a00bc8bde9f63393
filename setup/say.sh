# shellcheck shell=sh
# How setup talks: to stderr, so that a command's own answer stays alone on stdout.
# Reads $yes, and $log, where the programs' own output goes.

say() { printf '%s\n' "$@" >&2; }

# fail SENTENCE HINT
fail() {
  say "$@"
  exit 1
}

# ask QUESTION: true for Enter or yes; without a terminal nobody is asked.
ask() {
  if [ -n "$yes" ] || ! [ -t 0 ] || ! [ -t 2 ]; then return 0; fi
  printf '%s [Y/n] ' "$1" >&2
  IFS= read -r answer || return 1
  case $answer in '' | [yY] | [yY][eE][sS]) ;; *) return 1 ;; esac
}

# shown LABEL TOTAL COMMAND…: runs it with its output in the log, shows how far it is, and gives
# its exit code. How far: apt's own status lines, or one of TOTAL for each "Collecting" of pip.
shown() {
  label=$1 total=$2
  shift 2
  [ -t 2 ] || say "$label …"
  {
    "$@" 2>&1 && printf '\nexit:0\n' || printf '\nexit:1\n'
  } | follow
}

follow() {
  code=1 seen=0 percent=0
  while IFS= read -r line; do
    case $line in
      exit:*) code=${line#exit:} ;;
      dlstatus:* | pmstatus:*)
        percent=${line#*:*:}
        percent=${percent%%[.:]*}
        draw "$percent"
        ;;
      Collecting*)
        seen=$((seen + 1))
        draw $((seen * 100 / total))
        ;;
    esac
    printf '%s\n' "$line" >>"$log"
  done
  if [ -t 2 ]; then printf '\r\033[K' >&2; fi
  return "$code"
}

draw() {
  if [ -t 2 ]; then printf '\r\033[K%s … %s %%' "$label" "$1" >&2; fi
}
