#!/bin/sh
# Shows the main job on a copy of this repository: validate, plan, apply, change a value, look, apply, ask, mend, roll back.
# Usage: demo.sh [FOLDER]     FOLDER (.demo by default) is made anew and stays for you to look around in.
set -eu

sample=$(cd "$(dirname "$0")" && pwd -P)
folder=${1:-.demo}
mark=.git/made-by-demo

if [ -e "$folder" ] && [ ! -e "$folder/$mark" ]; then
    echo "$folder is there and was not made by this demonstration; remove it or name another folder" >&2
    exit 2
fi
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
for path in "$sample"/* "$sample"/.[!.]*; do
    case ${path##*/} in
        demo.sh | golden | delivered | .git | .demo) ;;
        *) if [ -e "$path" ]; then cp -R "$path" .; fi ;;
    esac
done

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi
step=0
say() {
    step=$((step + 1))
    printf '\n%s%s. %s%s\n' "$bold" "$step" "$*" "$plain"
}
run() {
    printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"
    "$@"
}
commit() {
    printf '\n%s$ git commit -a -m "%s"%s\n' "$bold" "$1" "$plain"
    git add --all
    git commit --quiet --message "$1"
}

# A repository with an identity and settings of its own: nothing of yours is used or changed.
git init --quiet
git symbolic-ref HEAD refs/heads/main
git config user.name "Demo"
git config user.email "demo@example.com"
git config commit.gpgsign false
git config core.hooksPath /dev/null
touch "$mark"
# The key of this sample, which everybody has. It opens the secret files for apply, and what is sealed to the consumers.
export LLMCFG_AGE_KEY_FILE="$PWD/demo-identity.txt"
git add --all
git commit --quiet --message "The platform's configuration"

say "A Git repository of YAML. Is it sound for every environment, tenant and consumer?"
run llmcfg validate

say "What would deploying prod do? Then do it: bundles in a directory, and a commit on a branch."
run llmcfg plan -e prod
run llmcfg apply -e prod --yes --quiet
run ls delivered/prod/current delivered/prod/current/meridian

say "The bot reads its keys from a file. That file is sealed to its machine, and only its key opens it."
run grep OPENAI_API_KEY delivered/prod/current/meridian/support-bot/files/support-bot.env
run llmcfg open delivered/prod/current/meridian/support-bot --to delivered/opened --quiet
run grep OPENAI_API_KEY delivered/opened/files/support-bot.env

say "Change one value. The diff shows what that means in effect, and for whom."
run llmcfg set budgets.services.support-bot.amount 3500
run llmcfg diff

say "Commit and deploy it."
commit "budgets: more for the support bot"
run llmcfg apply -e prod --yes --quiet

say "Where does the value come from, and when did it change?"
run llmcfg explain budgets.services.support-bot.amount -e prod
run llmcfg history budgets.services.support-bot.amount -e prod
run llmcfg explain budgets.tenant.amount -e prod -t meridian-retail

say "Somebody edits a delivered file by hand. That is drift, and applying again mends it."
printf '\n%s$ echo BOT_RPM=9999 >> delivered/prod/current/meridian/support-bot/files/support-bot.env%s\n' "$bold" "$plain"
echo BOT_RPM=9999 >> delivered/prod/current/meridian/support-bot/files/support-bot.env
run llmcfg status -e prod
run llmcfg apply -e prod --yes

say "Go back. The revision that is left is quarantined, so nothing brings it back by accident."
run llmcfg rollback -e prod --yes --quiet
run llmcfg status
run llmcfg history -e prod --deployed

printf '\nThis repository is in %s; look around with llmcfg --help\n' "$(pwd)"
