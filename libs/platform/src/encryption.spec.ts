import { Ids, SystemClock } from '#libs/database';
import { Encryption } from './encryption.js';

const ids = new Ids(new SystemClock());
const sealing = new Encryption('the secret', 'tests', ids);
const sealed = sealing.encrypt('a token', 'account');

describe('an encrypted text', () => {
  it('is decrypted with the context that it was bound to', () => {
    expect(sealing.decrypt(sealed, 'account')).toBe('a token');
  });

  it('differs each time and does not contain the plaintext', () => {
    expect(sealing.encrypt('a token', 'account')).not.toBe(sealed);
    expect(Buffer.from(sealed, 'base64url').includes('a token')).toBe(false);
  });

  it.each([
    ['for another account', () => sealing.decrypt(sealed, 'another')],
    ['with another secret', () => new Encryption('another', 'tests', ids).decrypt(sealed, 'account')],
    ['for another purpose', () => new Encryption('the secret', 'others', ids).decrypt(sealed, 'account')],
    [
      'when it was changed',
      () => sealing.decrypt(`${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BB' : 'AA'}`, 'account'),
    ],
  ])('is not decrypted %s', (_how, open) => {
    expect(open).toThrow();
  });
});
