/** @import { NewSigningKey } from '#libs/contracts' */
import { asOperator } from '../broker-operator.mjs';
import { defineCommand } from '../command.mjs';
import { EXIT } from '../exit-codes.mjs';

export const rotateSigningKey = defineCommand({
  usage: 'rotate-signing-key [--at-once]',
  about: 'sign tokens and certificates with a new key; --at-once if the old one has been stolen (operator)',
  args: 0,
  options: { 'at-once': { type: 'boolean' } },
  run: async ({ values, limits, out, report }) => {
    const atOnce = values['at-once'] === true;
    /** @type {NewSigningKey} */
    const key = await asOperator(limits, (ask) => ask('identity', 'rotate-signing-key', { atOnce }));
    report(key, () => {
      out.line(`Key ${key.kid} is published and signs from ${key.usedFrom}.`);
      if (atOnce) out.line('Tokens of the old key are refused within a minute; programs and browsers renew them.');
    });
    return EXIT.done;
  },
});
