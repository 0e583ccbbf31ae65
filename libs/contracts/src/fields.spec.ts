import { getMetadataStorage, IsString, validateSync } from 'class-validator';
import { Email, Flag, Id, Ids, ListOf, Moment, Nested, OneOf, Phone, Shape, Text, Whole } from './fields.js';
import { schemaOf } from './fields/registry.js';
import { validate } from './fields/validate.js';

class Person {
  @Text({ max: 5, about: 'The name of the person.' }) name: string;
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
const faults = (body: object) => validate(Everything, body).map(({ path }) => path);

describe('a declared field', () => {
  it('accepts what it describes', () => {
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
    ['nested.name', { nested: { name: '' } }],
    ['nested', { nested: 'Kim' }],
    ['nested', { nested: [] }],
    ['nested.unknown', { nested: { name: 'Kim', unknown: 1 } }],
    ['list', { list: { name: 'Kim' } }],
    ['list.1.name', { list: [{ name: 'Kim' }, { name: 1 }] }],
    ['list.0', { list: [[]] }],
    ['list.1', { list: [{ name: 'Kim' }, null] }],
    ['constructor', { constructor: 1 }],
    ['unknown', { unknown: 1 }],
  ])('refuses %s: %j', (field, change) => {
    expect(faults({ ...good, ...change })).toEqual([field]);
  });

  it('accepts null only if it is nullable and absence only if it is optional', () => {
    expect(faults({ ...good, number: null })).toEqual([]);
    expect(faults({ ...good, choice: undefined })).toEqual(['choice']);
  });

  it('is described in the schema of its class, and of classes that inherit it', () => {
    expect(schemaOf(Everything)).toMatchObject({
      type: 'object',
      required: ['name', 'id', 'ids', 'choice'],
      additionalProperties: false,
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 5, description: 'The name of the person.' },
        id: { type: 'string', format: 'uuid' },
        choice: { anyOf: [{ type: 'string', enum: ['a', 'b'] }, { type: 'null' }] },
        number: { type: ['integer', 'null'], minimum: 1, maximum: 9 },
        nested: { $ref: '#/components/schemas/Person' },
        list: { type: 'array', items: { $ref: '#/components/schemas/Person' } },
      },
    });
  });
});

describe('a redeclared field', () => {
  class Wide {
    @Text({ optional: true }) name?: string;
  }
  class Narrow extends Wide {
    @OneOf(['a', 'b']) override name: 'a' | 'b' = 'a';
  }

  it('replaces the inherited one, its presence included', () => {
    expect(validate(Narrow, {})).toHaveLength(1);
    expect(validate(Narrow, { name: 'c' })).toHaveLength(1);
    expect(validate(Narrow, { name: 'a' })).toEqual([]);
    expect(validate(Wide, {})).toEqual([]);
  });
});

describe('an invalid field', () => {
  it('says where it is, what was given and what is wrong', () => {
    expect(validate(Everything, { ...good, ids: [id, id], list: [{ name: 'much too long' }] })).toEqual([
      {
        path: 'ids',
        name: 'ids',
        value: [id, id],
        messages: { arrayUnique: 'ids must not contain the same value twice' },
      },
      {
        path: 'list.0.name',
        name: 'name',
        value: 'much too long',
        messages: { isLength: 'name must have 1 to 5 characters' },
      },
    ]);
  });

  it('may be ignored if the class does not declare it', () => {
    expect(validate(Everything, { ...good, unknown: 1 }, { unknown: 'ignore' })).toEqual([]);
  });
});

describe('a shape', () => {
  const ids = { type: 'array', items: { type: 'string', format: 'uuid' }, maxItems: 2, uniqueItems: true };
  class Shapes {
    @Shape({ anyOf: [{ type: 'string', enum: ['all'] }, ids] }, '`all` or ids', { optional: true }) some?:
      'all' | string[];
    @Shape({ type: 'number', minimum: 0, maximum: 1 }, 'a share', { optional: true }) share?: number;
    @Shape({ type: 'object', additionalProperties: { type: 'integer', minimum: 1 } }, 'counts', { optional: true })
    counts?: Record<string, number>;
    @Shape(
      {
        type: 'object',
        properties: { name: { type: 'string', maxLength: 3 } },
        required: ['name'],
        additionalProperties: false,
      },
      'a name',
      { optional: true },
    )
    named?: { name: string };
    @Shape({ type: 'object', additionalProperties: { type: 'boolean' } }, 'flags', { optional: true, shallow: true })
    shallow?: Record<string, boolean>;
    @Shape({ type: 'array', items: { $ref: '#/components/schemas/Person' } }, 'people', {
      optional: true,
      nested: () => Person,
    })
    people?: Person[];
  }
  const wrong = (body: object) => validate(Shapes, body).map(({ path }) => path);

  it.each([
    { some: 'all' },
    { some: [] },
    { some: [id] },
    { share: 0.5 },
    { counts: {} },
    { counts: { a: 1 } },
    { named: { name: 'Kim' } },
    { shallow: { a: 'not a flag' } },
    { people: [{ name: 'Kim' }] },
  ])('accepts what its schema describes: %j', (body) => {
    expect(wrong(body)).toEqual([]);
  });

  it.each([
    { some: 'none' },
    { some: [id, id] },
    { some: ['x'] },
    { some: [1] },
    { share: 2 },
    { share: '0.5' },
    { counts: { a: 0 } },
    { counts: [] },
    { named: {} },
    { named: { name: 'Robin' } },
    { named: { name: 'Kim', age: 1 } },
    { shallow: [] },
    { people: [{ name: '' }] },
    { people: [[]] },
  ])('refuses what its schema does not describe: %j', (body) => {
    expect(wrong(body)).toEqual(Object.keys(body));
  });

  it('cannot have a keyword in its schema that would not be checked', () => {
    expect(() => Shape({ type: 'string', minLength: 1 }, 'a text')).toThrow('minLength');
    expect(() => Shape({ type: 'string', format: 'email' }, 'an address')).toThrow('format email');
    expect(() => Shape({ $ref: '#/components/schemas/Person' }, 'a person')).toThrow('$ref without a class');
  });
});

describe('class-validator', () => {
  it('is not changed: it knows none of our fields, and its own decorators still work', () => {
    class Foreign {
      @IsString() name: unknown;
    }
    expect(validateSync(Object.assign(new Foreign(), { name: 1 }))).toHaveLength(1);
    expect(Object.keys(getMetadataStorage())).toEqual(['validationMetadatas', 'constraintMetadatas']);
    expect(getMetadataStorage().getTargetValidationMetadatas(Everything, '', false, false)).toEqual([]);
  });
});
