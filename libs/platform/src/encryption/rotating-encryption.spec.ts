import { describe, expect, it } from '@jest/globals';
import { Ids, SystemClock } from '#libs/database';
import { RotatingEncryption } from './rotating-encryption.js';
import { Encryption } from './encryption.js';

const ids = new Ids(new SystemClock());
const under = (current: string, previous?: string) => new RotatingEncryption({ current, previous }, 'tests', ids);
const before = under('the old secret');
const during = under('the new secret', 'the old secret');
const after = under('the new secret');

describe('a text encrypted with a secret that is being replaced', () => {
  it('is decrypted while both secrets are known, and recognised by its mark', () => {
    const sealed = before.encrypt('a token', 'account');
    expect(during.decrypt(sealed, 'account')).toBe('a token');
    expect([sealed.startsWith(before.mark), sealed.startsWith(during.mark)]).toEqual([true, false]);
  });

  it('needs only the new secret after it is re-encrypted', () => {
    const again = during.encrypt(during.decrypt(before.encrypt('a token', 'account'), 'account'), 'account');
    expect(after.decrypt(again, 'account')).toBe('a token');
    expect(again.startsWith(after.mark)).toBe(true);
  });

  it('is decrypted without a mark, whichever secret was used', () => {
    const unmarked = (secret: string) => new Encryption(secret, 'tests', ids).encrypt('a token', 'account');
    expect(during.decrypt(unmarked('the old secret'), 'account')).toBe('a token');
    expect(during.decrypt(unmarked('the new secret'), 'account')).toBe('a token');
  });

  it('is not decrypted with the new secret alone, with a wrong one, or for another account', () => {
    const sealed = before.encrypt('a token', 'account');
    for (const encryption of [after, under('the new secret', 'a wrong one')])
      expect(encryption.canDecrypt(sealed, 'account')).toBe(false);
    expect(during.canDecrypt(sealed, 'another')).toBe(false);
  });
});
