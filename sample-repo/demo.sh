#!/bin/sh
# Shows the main job on a copy of this repository: validate, plan, apply, change a value, diff, apply, explain, roll back.
# Usage: demo.sh [FOLDER]     FOLDER (.demo by default) is made anew and stays for you to look around in.
set -eu

sample=$(cd "$(dirname "$0")" && pwd -P)
folder=${1:-.demo}

say() { printf '\n# %s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
for path in "$sample"/* "$sample"/.[!.]*; do
    case $(basename "$path") in
        demo.sh | golden | delivered | .git) ;;
        *) if [ -e "$path" ]; then cp -R "$path" .; fi ;;
    esac
done

commit() {
    git add --all
    git commit --quiet --message "$1"
}
git init --quiet
git symbolic-ref HEAD refs/heads/main
git config user.name "Demo"
git config user.email "demo@example.com"
git config commit.gpgsign false
commit "The platform's configuration"

say "A Git repository of YAML: is it sound for every environment, tenant and consumer?"
run llmcfg validate

say "What would be deployed, and deploy it"
run llmcfg plan -e prod
run llmcfg apply -e prod --yes

say "Change one value"
run sed -i.before 's/support-bot: {amount: 3000/support-bot: {amount: 3500/' base/budgets.yaml
rm base/budgets.yaml.before
run llmcfg diff
commit "budgets: more for the support bot"

say "Deploy the change, and ask where the value comes from"
run llmcfg apply -e prod --yes
run llmcfg explain budgets.services.support-bot.amount -e prod

say "Go back"
run llmcfg rollback -e prod --yes
run llmcfg status

printf '\nThe repository of this demonstration is in %s\n' "$(pwd)"
