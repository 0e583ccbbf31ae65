import { Ids, SystemClock } from '#libs/database';
import { Encryption } from './encryption.js';

const ids = new Ids(new SystemClock());
const encryption = new Encryption('the secret', 'tests', ids);
const sealed = encryption.encrypt('a token', 'account');

describe('an encrypted text', () => {
  it('is decrypted with the context that it was bound to', () => {
    expect(encryption.decrypt(sealed, 'account')).toBe('a token');
  });

  it('differs each time and does not contain the plaintext', () => {
    expect(encryption.encrypt('a token', 'account')).not.toBe(sealed);
    expect(Buffer.from(sealed, 'base64url').includes('a token')).toBe(false);
  });

  it.each([
    ['for another account', () => encryption.decrypt(sealed, 'another')],
    ['with another secret', () => new Encryption('another', 'tests', ids).decrypt(sealed, 'account')],
    ['for another purpose', () => new Encryption('the secret', 'others', ids).decrypt(sealed, 'account')],
    [
      'when it was changed',
      () => encryption.decrypt(`${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BB' : 'AA'}`, 'account'),
    ],
  ])('is not decrypted %s', (_how, open) => {
    expect(open).toThrow();
  });
});
