import { canonical, foldCase } from '#libs/contracts';
import { testDatabase, type TestDatabase } from '#libs/test-kit';
import pg from 'pg';
import { foldCaseFunction } from './fold-case.js';
import { fingerprint, migrate } from './migrate.js';

const migrations = [foldCaseFunction];
let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await testDatabase({
    name: 'fold_case',
    migrate: async (ownerUrl) => void (await migrate(ownerUrl, migrations)),
    fingerprint: fingerprint(migrations),
  });
  client = new pg.Client(database.url);
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const folded = async (texts: readonly string[]): Promise<string[]> => {
  const { rows } = await client.query<{ folded: string }>(
    'select fold_case(t.text) as folded from unnest($1::text[]) with ordinality as t (text, n) order by n',
    [texts],
  );
  return rows.map((row) => row.folded);
};

/** The characters that case or normalization changes. */
const characters = Array.from({ length: 0x1ffff }, (_, index) => index + 1)
  .filter((point) => point < 0xd800 || point > 0xdfff)
  .map((point) => String.fromCodePoint(point))
  .filter((one) => [one.toLowerCase(), one.toUpperCase(), one.normalize('NFD')].some((other) => other !== one));

describe('folding case', () => {
  it('is the same in TypeScript and in PostgreSQL for every character that both know', async () => {
    const { rows } = await client.query<{ character: string }>(
      'select character from unnest($1::text[]) as t (character) where unicode_assigned(character)',
      [characters],
    );
    const known = rows.map(({ character }) => character);
    const inSql = await folded(known);
    expect(known.length).toBeGreaterThan(10_000);
    expect(known.filter((character, index) => foldCase(character) !== inSql[index])).toEqual([]);
  });

  it('is stable', () => {
    expect(characters.filter((character) => foldCase(foldCase(character)) !== foldCase(character))).toEqual([]);
  });

  it.each([
    ['İpek@mail.example', 'i\u0307PEK@MAIL.example'],
    ['ΝΙΚΟΣ@mail.example', 'νικος@mail.example'],
    ['Νίκος@mail.example', 'ΝΊΚΟΣ@MAIL.EXAMPLE'],
    ['straße@mail.example', 'STRASSE@mail.example'],
    ['Zoë@mail.example', 'ZOE\u0308@mail.example'],
  ])('makes %s and %s equal', async (one, other) => {
    expect(foldCase(one)).toBe(foldCase(other));
    expect(await folded([one, other])).toEqual([foldCase(one), foldCase(one)]);
  });

  it('keeps letters apart that are no case of each other', () => {
    expect(new Set(['ı', 'i', 'İ', 'í'].map(foldCase)).size).toBe(4);
  });
});

it('the stored form is trimmed and composed', () => {
  expect(canonical(' Zoe\u0308 ')).toBe('Zoë');
});
