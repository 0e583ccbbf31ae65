import { catchUp } from './catch-up.mjs';
import { deadLetters, replay } from './dead-letters.mjs';
import { deactivate, preview, reactivate, remove, status } from './departures.mjs';
import { drift } from './drift.mjs';
import { login, logout } from './login.mjs';
import { bulk, verify } from './many.mjs';
import { rotateSigningKey } from './signing-key.mjs';

const text = { type: 'string' };
const texts = { type: 'string', multiple: true };
const flag = { type: 'boolean' };

const leaving = {
  successor: texts,
  override: texts,
  reason: text,
  at: text,
  'plan-token': text,
  watch: flag,
  yes: flag,
};

/**
 * Each with what it takes: `args` are those it must have, `rest` says that there may be more. `anonymous` ones need no
 * token.
 */
export const commands = {
  login: {
    usage: 'login [--email <email>]',
    about: 'sign in and keep an API token',
    options: { email: text },
    run: login,
    anonymous: true,
  },
  logout: { usage: 'logout', about: 'revoke that token', run: logout, anonymous: true },
  preview: {
    usage: 'preview <user> [--transition deactivated|deleted]',
    about: 'what would happen if somebody left',
    args: 1,
    options: { transition: text },
    run: preview,
  },
  deactivate: {
    usage: 'deactivate <user> [--return-at <time>] [leaving]',
    about: 'have somebody leave, with a way back',
    args: 1,
    options: { ...leaving, 'return-at': text },
    run: deactivate,
  },
  delete: {
    usage: 'delete <user> [leaving]',
    about: 'have somebody leave for good',
    args: 1,
    options: leaving,
    run: remove,
  },
  reactivate: {
    usage: 'reactivate <user> [--restore all|<rule>,…] [--watch]',
    about: 'let somebody come back',
    args: 1,
    options: { restore: text, watch: flag },
    run: reactivate,
  },
  status: {
    usage: 'status <departure> [--watch]',
    about: 'how far a departure is',
    args: 1,
    options: { watch: flag },
    run: status,
  },
  bulk: {
    usage: 'bulk <file.csv> --transition deactivated|deleted [--watch] [--yes]',
    about: 'have many leave; columns staffId, successorStaffId',
    args: 1,
    options: { transition: text, watch: flag, yes: flag },
    run: bulk,
  },
  verify: { usage: 'verify', about: 'count again what still breaks a promise', run: verify },
  'dead-letters': {
    usage: 'dead-letters [--service <name>] [--data]',
    about: 'what services have given up on (operator)',
    options: { service: text, data: flag },
    run: deadLetters,
    anonymous: true,
  },
  replay: {
    usage: 'replay <id>…|--all [--service <name>]',
    about: 'have it tried again (operator)',
    rest: true,
    options: { service: text, all: flag },
    run: replay,
    anonymous: true,
  },
  'catch-up': {
    usage: 'catch-up <service> [--since <time>] [--watch]',
    about: 'bring a service up to date whose database was restored; without --since, how far it is (operator)',
    args: 1,
    options: { since: text, watch: flag },
    run: catchUp,
    anonymous: true,
  },
  drift: {
    usage: 'drift [--service <name>] [--raise]',
    about: 'who is known otherwise in a service than in identity; --raise after identity was restored (operator)',
    options: { service: text, raise: flag },
    run: drift,
    anonymous: true,
  },
  'rotate-signing-key': {
    usage: 'rotate-signing-key [--at-once]',
    about: 'sign tokens and certificates with a new key; --at-once if somebody has got hold of the old one (operator)',
    options: { 'at-once': flag },
    run: rotateSigningKey,
    anonymous: true,
  },
};

export const help = () => `Usage: leaver <command> [--json]

${Object.values(commands)
  .map(({ usage, about }) => `  ${usage}\n      ${about}`)
  .join('\n')}

A user is named by id, email or staff id. What can be said of somebody leaving:
  --successor <user>|<rule>=<user>   who takes over, everything or what one rule moves; may be repeated
  --override <rule>=<action>[:days]  another action for this departure alone; may be repeated
  --reason <text>  --at <time>       why, and when if not now (ISO 8601)
  --watch                            wait for the end, with its progress
  --yes                              do not ask; --plan-token <token> of a preview has it refused if something changed

--json writes JSON to standard output, and nothing else; messages and progress go to standard error.

Environment
  LEAVER_URL    where Leaver is; else where you have signed in, or what runs on this machine
  LEAVER_TOKEN  an API token of a manager; else the one that login keeps in LEAVER_HOME (.leaver), readable for you alone
  NATS_URL      for commands of the operator: the broker, as its user \`operator\`; else what runs on this machine

Exit codes
  0  done
  1  refused, failed, or something was found that is not as it should be
  2  not understood: see the usage above
  3  not reachable, or not signed in`;
