import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { Email, Flag, Id, Ids, ListOf, Moment, Nested, OneOf, Phone, schemaOf, Text, Whole } from './fields.js';

class Person {
  @Text({ max: 5, about: 'How the person is called.' }) name: string;
  @Email({ optional: true }) email?: string;
}

class Everything extends Person {
  @Id() id: string;
  @Ids({ min: 1 }) ids: string[];
  @OneOf(['a', 'b'], { nullable: true }) choice: string | null;
  @Whole({ min: 1, max: 9, optional: true, nullable: true }) number?: number | null;
  @Flag({ optional: true }) flag?: boolean;
  @Moment({ optional: true }) at?: string;
  @Phone({ optional: true }) phone?: string;
  @Nested(() => Person, { optional: true }) nested?: Person;
  @ListOf(() => Person, { optional: true }) list?: Person[];
}

const id = '0192f3c4-0000-7000-8000-000000000001';
const good = { name: 'Robin', id, ids: [id], choice: null };
const faults = (body: object) => {
  const errors = validateSync(plainToInstance(Everything, body), { whitelist: true, forbidNonWhitelisted: true });
  return errors.map((error) => error.property);
};

describe('a declared field', () => {
  it('lets in what it describes', () => {
    expect(faults(good)).toEqual([]);
    const more = {
      email: 'a@b.example',
      number: 3,
      flag: true,
      at: '2026-01-01T00:00:00Z',
      phone: '+14155550100',
      nested: { name: 'Kim' },
      list: [{ name: 'Kim' }],
    };
    expect(faults({ ...good, ...more })).toEqual([]);
  });

  it.each([
    ['name', { name: '' }],
    ['name', { name: 'too long' }],
    ['name', { name: 'a\u0000b' }],
    ['name', { name: undefined }],
    ['name', { name: null }],
    ['email', { email: 'nobody' }],
    ['email', { email: null }],
    ['id', { id: 'x' }],
    ['ids', { ids: [] }],
    ['ids', { ids: [id, id] }],
    ['ids', { ids: ['x'] }],
    ['choice', { choice: 'c' }],
    ['number', { number: 10 }],
    ['number', { number: 1.5 }],
    ['flag', { flag: 'true' }],
    ['at', { at: '2026-01-01' }],
    ['at', { at: '2026-01-01T10Z' }],
    ['at', { at: '2026-W01-1T00:00:00Z' }],
    ['at', { at: '2026-001T00:00:00Z' }],
    ['at', { at: '0000-01-01T00:00:00Z' }],
    ['at', { at: '2026-01-01T23:59:60Z' }],
    ['at', { at: '2026-01-01T00:00:00+23:59' }],
    ['at', { at: ['2026-01-01T00:00:00Z'] }],
    ['at', { at: '2026-01-01T00:00:00' }],
    ['phone', { phone: '0800' }],
    ['nested', { nested: { name: '' } }],
    ['nested', { nested: 'Kim' }],
    ['list', { list: [{ name: 'Kim' }, { name: 1 }] }],
    ['unknown', { unknown: 1 }],
  ])('refuses %s: %j', (field, change) => {
    expect(faults({ ...good, ...change })).toEqual([field]);
  });

  it('takes null where it may be null, and absence only where it is optional', () => {
    expect(faults({ ...good, number: null })).toEqual([]);
    expect(faults({ ...good, choice: undefined })).toEqual(['choice']);
  });

  it('describes itself in the same words, inherited fields included', () => {
    expect(schemaOf(Everything)).toMatchObject({
      type: 'object',
      required: ['name', 'id', 'ids', 'choice'],
      additionalProperties: false,
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 5, description: 'How the person is called.' },
        id: { type: 'string', format: 'uuid' },
        choice: { anyOf: [{ type: 'string', enum: ['a', 'b'] }, { type: 'null' }] },
        number: { type: ['integer', 'null'], minimum: 1, maximum: 9 },
        nested: { $ref: '#/components/schemas/Person' },
        list: { type: 'array', items: { $ref: '#/components/schemas/Person' } },
      },
    });
  });
});
