import * as v from 'class-validator';

/** One condition on the value of a field. */
export interface Check {
  /** Unique among the checks of a field. */
  readonly name: string;
  readonly accepts: (value: unknown) => boolean;
  /** What is wrong with a value that is not accepted, for the person who sent it. */
  readonly explain: (field: string) => string;
}

export const check = (name: string, accepts: Check['accepts'], must: string): Check => ({
  name,
  accepts,
  explain: (field) => `${field} ${must}`,
});
const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

export const isString = check('isString', v.isString, 'must be a string');
export const isBoolean = check('isBoolean', v.isBoolean, 'must be a boolean');
export const isNumber = check('isNumber', (value) => v.isNumber(value), 'must be a number');
export const isInteger = check('isInt', v.isInt, 'must be an integer');
export const isArray = check('isArray', v.isArray, 'must be an array');
export const isObject = check('isObject', v.isObject, 'must be an object');
export const isEmail = check('isEmail', (value) => v.isEmail(value), 'must be an email address');

export const ID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export const isIn = (values: readonly string[]): Check =>
  check('isIn', (value) => v.isIn(value, values), `must be one of: ${values.join(', ')}`);
export const matches = (pattern: RegExp, must: string): Check =>
  check('matches', (value) => v.matches(value as string, pattern), must);
export const isId = matches(ID_PATTERN, 'must be a UUID');

export const atLeast = (min: number): Check =>
  check('min', (value) => v.min(value, min), `must not be less than ${min}`);
export const atMost = (max: number): Check =>
  check('max', (value) => v.max(value, max), `must not be greater than ${max}`);

/** Characters are code points, as in JSON Schema: a surrogate pair counts once. */
export const hasLength = (min: number, max: number): Check =>
  check(
    'isLength',
    (value) => v.length(value, min, max),
    min === 0 ? `must have at most ${count(max, 'character')}` : `must have ${min} to ${count(max, 'character')}`,
  );
export const hasItems = (min: number, max: number): Check =>
  check(
    'arraySize',
    (value) => v.arrayMinSize(value, min) && v.arrayMaxSize(value, max),
    min === 0 ? `must contain at most ${count(max, 'item')}` : `must contain ${min} to ${count(max, 'item')}`,
  );

/** Takes time proportional to the length; `arrayUnique` of class-validator compares every item with every other. */
export const hasUniqueItems = check(
  'arrayUnique',
  (value) => Array.isArray(value) && new Set(value).size === value.length,
  'must not contain the same value twice',
);

/** Anything that is not a list passes: `isArray` reports it. */
export const each = ({ name, accepts, explain }: Check): Check => ({
  name: `each ${name}`,
  accepts: (value) => !Array.isArray(value) || value.every((item) => accepts(item)),
  explain: (field) => explain(`each item of ${field}`),
});

/** Years from 1 and time zones that exist: PostgreSQL accepts nothing else. */
const MOMENT = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-](0\d|1[0-4]):[0-5]\d)$/;
const STRICT = { strict: true, strictSeparator: true };

export const isMoment = check('isMoment', acceptsMoment, 'must be a time in ISO 8601 with a time zone');

function acceptsMoment(value: unknown): boolean {
  if (typeof value !== 'string' || !MOMENT.test(value)) return false;
  return v.isISO8601(value, STRICT) && !Number.isNaN(Date.parse(value));
}

const WEB = { protocols: ['http', 'https'], require_protocol: true, require_tld: false };
export const isUrl = check('isUrl', (value) => v.isURL(value as string, WEB), 'must be an http or https URL');

export const ORIGIN_PATTERN = /^https?:\/\/[^\s/?#@]+\/?$/;
export const isOrigin = check(
  'isOrigin',
  (value) => typeof value === 'string' && ORIGIN_PATTERN.test(value) && URL.canParse(value),
  'must be an http or https address without a path, like https://example.com',
);
