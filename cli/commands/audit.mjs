/** @import { AuditVerification } from '#libs/contracts' */
/** @import { Terminal } from '../terminal.mjs' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { EXIT } from '../exit-codes.mjs';

export const audit = defineCommand({
  usage: 'audit',
  about: 'verify the audit trail: its hash chain, and the heads that were published outside of the database',
  args: 0,
  run: async ({ limits, out, report }) => {
    const api = await signedInClient(limits);
    /** @type {AuditVerification} */
    const verification = await api.get('/v1/audit/verify');
    report(verification, () => show(out, verification));
    return verification.valid ? EXIT.done : EXIT.failed;
  },
});

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
