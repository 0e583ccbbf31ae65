/** @import { WithdrawnKey } from '#libs/contracts' */
import { asOperator } from '../broker-operator.mjs';
import { defineCommand } from '../command.mjs';
import { confirm } from '../terminal/confirm.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';
import { sinceOf } from '../since-option.mjs';

const USAGE = 'withdraw-signing-key <key id> --since <time> [--yes]';

export const withdrawSigningKey = defineCommand({
  usage: USAGE,
  about:
    'publish that a signing key was stolen, so that its signatures from this time on count for nothing, and replace it; ' +
    'it cannot be undone (operator)',
  args: 1,
  options: { since: { type: 'string' }, yes: { type: 'boolean' } },
  run: async ({ args: [kid], values, limits, out, report }) => {
    if (values.since === undefined) throw usageError(`Usage: leaver ${USAGE}`);
    const since = sinceOf(values.since);
    const question = `Signatures of ${kid} since ${since} will count for nothing, for ever. Type the key id to withdraw it: `;
    if (!values.yes) await confirm(kid, question);
    /** @type {WithdrawnKey} */
    const key = await asOperator(limits, (ask) => ask('identity', 'withdraw-signing-key', { kid, since }));
    report(key, () => {
      const what = key.purpose ? `the key of ${key.purpose}` : 'a key without a purpose';
      out.line(`${kid}, ${what}, is published as stolen since ${key.revokedAt}.`);
      if (key.replacedBy) out.line(`${key.replacedBy} signs instead.`);
      if (key.purpose === undefined || key.purpose === 'tokens')
        out.line('Its access tokens are refused within a minute; programs and browsers renew them.');
    });
    return EXIT.done;
  },
});
