import { EXIT } from './ending.mjs';
import { asOperator } from './operator.mjs';

/** Has identity sign with another key. */
export async function rotateSigningKey({ values, out, tell }) {
  const atOnce = values['at-once'] === true;
  const key = await asOperator((ask) => ask('identity', 'rotate-signing-key', { atOnce }));
  tell(key, () => {
    out.line(`Key ${key.kid} is published and signs from ${key.usedFrom}.`);
    if (atOnce) out.line('Tokens of the one before are refused within a minute; programs and browsers renew them.');
  });
  return EXIT.done;
}
