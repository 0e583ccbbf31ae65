/** @import { AuditVerification } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { findUser } from '../departures/users.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';
import { queryOf } from '../lists.mjs';
import { printFile } from '../terminal/print-file.mjs';

const USAGE =
  'audit [export [--format csv|ndjson] [--action <action>] [--actor <user>] [--subject <user>] [--from <time>] [--to <time>]]';

export const audit = defineCommand({
  usage: USAGE,
  about:
    'verify the audit trail: its hash chain, and the heads that were published outside of the database; or export it to ' +
    'standard output',
  args: 'any',
  options: {
    format: { type: 'string' },
    action: { type: 'string' },
    actor: { type: 'string' },
    subject: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
  },
  run: async ({ args, values, limits, out, report }) => {
    const [verb, ...more] = args;
    if (more.length > 0 || (verb !== undefined && verb !== 'export')) throw usageError(`Usage: leaver ${USAGE}`);
    const api = await signedInClient(limits);
    if (verb === 'export') return exportTrail(api, values);
    /** @type {AuditVerification} */
    const verification = await api.get('/v1/audit/verify');
    report(verification, () => show(out, verification));
    return verification.valid ? EXIT.done : EXIT.failed;
  },
});

/**
 * @param {HttpClient} api
 * @param {{ format?: string, action?: string, actor?: string, subject?: string, from?: string, to?: string }} values
 */
async function exportTrail(api, { format, action, actor, subject, from, to }) {
  const filters = {
    ...{ format, action, from, to },
    actorId: actor && (await findUser(api, actor)).id,
    subjectId: subject && (await findUser(api, subject)).id,
  };
  await printFile(api, `/v1/audit/export?${queryOf(filters)}`);
  return EXIT.done;
}

/** @type {Record<NonNullable<AuditVerification['reason']>, string>} */
const REASONS = {
  entry: 'the entry does not match its hash',
  'published-head': 'entries have been replaced since their head was published',
  'shorter-than-published': 'entries are missing that were there when a head was published',
  'published-head-not-signed': 'a published head has no valid signature',
};

/**
 * @param {Terminal} out
 * @param {AuditVerification} verification
 */
function show(out, { valid, entries, firstBroken, reason, published }) {
  if (valid) out.line(`${entries} entries. ${out.green('The audit trail is valid.')}`);
  else out.line(out.red(`The audit trail is not valid from entry ${firstBroken} on: ${reason && REASONS[reason]}.`));
  out.line(
    published
      ? `The newest published head is of entry ${published.seq}, at ${published.at}.`
      : 'No head has been published yet.',
  );
}
