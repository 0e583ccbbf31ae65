import { Ids, SystemClock } from '#libs/database';
import { Sealing } from './sealing.js';

const ids = new Ids(new SystemClock());
const sealing = new Sealing('the secret', 'tests', ids);
const sealed = sealing.seal('a token', 'account');

describe('what is sealed', () => {
  it('opens with what it was bound to', () => {
    expect(sealing.open(sealed, 'account')).toBe('a token');
  });

  it('looks different every time, and shows nothing', () => {
    expect(sealing.seal('a token', 'account')).not.toBe(sealed);
    expect(Buffer.from(sealed, 'base64url').includes('a token')).toBe(false);
  });

  it.each([
    ['for another account', () => sealing.open(sealed, 'another')],
    ['with another secret', () => new Sealing('another', 'tests', ids).open(sealed, 'account')],
    ['for another purpose', () => new Sealing('the secret', 'others', ids).open(sealed, 'account')],
    [
      'when it was changed',
      () => sealing.open(`${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BB' : 'AA'}`, 'account'),
    ],
  ])('does not open %s', (_how, open) => {
    expect(open).toThrow();
  });
});
