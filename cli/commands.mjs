/** @import { Command } from './command.mjs' */
import { approvals } from './commands/approvals.mjs';
import { approve } from './commands/approve.mjs';
import { audit } from './commands/audit.mjs';
import { bulk } from './commands/bulk.mjs';
import { certificate } from './commands/certificate.mjs';
import { catchUp } from './commands/catch-up.mjs';
import { confirmNumber } from './commands/confirm-number.mjs';
import { deactivate } from './commands/deactivate.mjs';
import { deadLetters } from './commands/dead-letters.mjs';
import { deleteUser } from './commands/delete.mjs';
import { departures } from './commands/departures.mjs';
import { drift } from './commands/drift.mjs';
import { exportUser } from './commands/export-user.mjs';
import { handover } from './commands/handover.mjs';
import { login } from './commands/login.mjs';
import { logout } from './commands/logout.mjs';
import { preview } from './commands/preview.mjs';
import { reactivate } from './commands/reactivate.mjs';
import { reassign } from './commands/reassign.mjs';
import { refuse } from './commands/refuse.mjs';
import { replay } from './commands/replay.mjs';
import { resume } from './commands/resume.mjs';
import { retry } from './commands/retry.mjs';
import { rotateSigningKey } from './commands/rotate-signing-key.mjs';
import { serviceKeys } from './commands/service-keys.mjs';
import { services } from './commands/services.mjs';
import { sessions } from './commands/sessions.mjs';
import { sso } from './commands/sso.mjs';
import { status } from './commands/status.mjs';
import { subscribers } from './commands/subscribers.mjs';
import { suspend } from './commands/suspend.mjs';
import { users } from './commands/users.mjs';
import { verify } from './commands/verify.mjs';
import { withdrawSigningKey } from './commands/withdraw-signing-key.mjs';
import { DEFAULT_LIMITS } from './time-limits.mjs';

/**
 * The commands by name, in the order in which `help` lists them.
 * @type {Map<string, Command<any, any>>} any: each command declares the types of its own options
 */
export const commands = new Map(
  Object.entries({
    login,
    logout,
    users,
    departures,
    preview,
    deactivate,
    delete: deleteUser,
    reactivate,
    reassign,
    suspend,
    resume,
    sessions,
    sso,
    approvals,
    approve,
    refuse,
    status,
    handover,
    'export-user': exportUser,
    retry,
    bulk,
    verify,
    audit,
    certificate,
    'dead-letters': deadLetters,
    replay,
    services,
    'catch-up': catchUp,
    drift,
    'rotate-signing-key': rotateSigningKey,
    'withdraw-signing-key': withdrawSigningKey,
    'confirm-number': confirmNumber,
    'service-keys': serviceKeys,
    subscribers,
  }),
);

export const help = () => `Usage: leaver <command> [--json] [--timeout <seconds>]

${[...commands.values()].map(({ usage, about }) => `  ${usage}\n      ${about}`).join('\n')}

A <user> is an id, an email or a staff id. [leaving] stands for these options:
  --successor <user>|<rule>=<user>   who takes over all data, or the data of one rule; may be repeated.
                                     Instead of a user: manager, or team:<name or id>[:fewest-open]
  --override <rule>=<action>[:days]  another action for this departure only; may be repeated
  --reason <text>  --at <time>       the reason, and the time if not now (ISO 8601)
  --watch                            wait for the end and show the progress
  --yes                              do not ask for confirmation
  --plan-token <token>               refuse if something has changed since the preview with this token
  --tell <text>                      text to the contacts who exchanged messages with the user lately
  --alternative-number <number>      sent after that text: where to write or call instead
  --accept-uncounted                 go on although that preview could not count the rows of some services

--json writes only JSON to standard output; messages and progress go to standard error.
--timeout gives up after this time without an answer (default ${DEFAULT_LIMITS.answer / 1_000}), or without progress where a command waits for
the end of something (default ${DEFAULT_LIMITS.progress / 1_000}), and names the silent service. Work that has been started goes on.

Environment
  LEAVER_URL    the address of Leaver; default: where you have signed in, or Leaver on this machine
  LEAVER_TOKEN  an API token of a manager; default: the token of leaver login, stored in LEAVER_HOME (.leaver) and
                readable only by you
  NATS_URL      for operator commands: the broker's address, with its user \`operator\`; default: the broker on this machine
  SERVICE_KEY   for operator commands: the operator's private key; default: that of Leaver on this machine
Each may be given as <NAME>_FILE, the path of a file with the value.

Exit codes
  0  done
  1  refused, failed, or a check has found problems
  2  wrong usage
  3  not reachable, or not signed in
  4  no answer or no progress in time`;
