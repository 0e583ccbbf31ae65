import { describe, expect, it } from '@jest/globals';
import { isEmail } from 'class-validator';
import fc from 'fast-check';
import { PLAIN_EMAIL, readRow } from './rows.js';

const heading = { width: 2, externalId: 0, email: 1 };
const isAccepted = (email: string) => !('reason' in readRow(['1', email], heading, 1));
const a = (count: number) => 'a'.repeat(count);

describe('an email address', () => {
  it('that matches the pattern for plain ones is valid for the library too', () => {
    const word = fc.stringMatching(/^([a-zA-Z]{1,66}|\d{1,3})$/);
    const words = (...between: string[]) =>
      fc.array(fc.tuple(word, fc.constantFrom('.', '.', ...between)), { minLength: 1, maxLength: 3 });
    const address = fc
      .tuple(words('..', '+', '_', '-', '-.'), word, words('..', '_', '-', '-.'), word)
      .map(([names, name, domains, end]) => [names, name, '@', domains, end].flat(2).join(''));
    const plain = fc.sample(address, 5_000).filter((email) => email.length <= 254 && PLAIN_EMAIL.test(email));
    expect(plain.length).toBeGreaterThan(100);
    expect(plain.filter((email) => !isEmail(email))).toEqual([]);
  });

  it.each([
    ['with the longest local part', `${a(64)}@example.com`, true],
    ['with a local part that is too long', `${a(65)}@example.com`, false],
    ['with the longest domain label', `a@${a(63)}.com`, true],
    ['with a domain label that is too long', `a@${a(64)}.com`, false],
    ['that is too long in total', `a@${`${a(62)}.`.repeat(4)}com`, false],
    ['with dots and a tag', 'Ada.K.Lovelace+x_1@mail.example.org', true],
    ['with a dot at the end of the local part', 'ada.@example.com', false],
    ['with two dots in a row', 'ada..k@example.com', false],
    ['with a domain without a top-level domain', 'ada@example', false],
    ['with a domain that ends in a number', 'ada@example.42', false],
    ['with a hyphen in the domain', 'ada@my-school.edu', true],
    ['with a hyphen before the dot', 'ada@my-.edu', false],
    ['with an internationalized domain', 'ada@schüler.example', true],
    ['with a line break at the end of a quoted local part', '"a\n"@example', false],
  ])('%s is accepted if and only if the library accepts it', (_, email, accepted) => {
    expect(isAccepted(email)).toBe(accepted);
    expect(isEmail(email)).toBe(accepted);
  });
});
