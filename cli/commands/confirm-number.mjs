/** @import { ConfirmedNumber } from '#libs/contracts' */
import { asOperator } from '../broker-operator.mjs';
import { defineCommand } from '../command.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';

const E164 = /^\+[1-9]\d{6,14}$/;

export const confirmNumber = defineCommand({
  usage: 'confirm-number <account-id> <number>',
  about: 'record that the carrier has confirmed a phone number for an account (operator)',
  args: 'any',
  run: async ({ args, limits, out, report }) => {
    const [accountId, e164, ...more] = args;
    if (!accountId || !e164 || more.length > 0) throw usageError('Usage: leaver confirm-number <account-id> <number>');
    if (!E164.test(e164)) throw usageError('A number is written like +14155550100.');
    /** @type {ConfirmedNumber} */
    const confirmed = await asOperator(limits, (ask) => ask('telephony', 'confirm-number', { accountId, e164 }));
    report(confirmed, () =>
      out.line(
        confirmed.moved
          ? `${e164} is confirmed for this account, and no longer for the one before.`
          : `${e164} is confirmed since ${confirmed.verifiedAt}.`,
      ),
    );
    return EXIT.done;
  },
});
