import { foldCase, type ScimObject } from '#libs/contracts';
import type { AttributeDefinition } from '../schema/attribute-definition.js';
import { segmentsOf, type AttributePath } from '../attribute-path.js';
import type { ComparisonOperator, Filter, FilterValue } from './filter.js';
import { booleanOperand, dateTimeOperand, stringOperand } from './operands.js';
import { attributeOf, isObject } from '../values.js';

/** Says whether a resource, or a value of a multi-valued attribute, matches a filter. */
export type Matcher = (object: ScimObject) => boolean;

/**
 * Prepares a filter for objects with these attributes. Attributes that are not defined count as unassigned.
 * @throws Problem `validation` with `invalidFilter` for a comparison that the attribute does not allow
 */
export function matcherOf(filter: Filter, attributes: readonly AttributeDefinition[]): Matcher {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const matchers = filter.filters.map((one) => matcherOf(one, attributes));
      return filter.kind === 'and'
        ? (object) => matchers.every((matches) => matches(object))
        : (object) => matchers.some((matches) => matches(object));
    }
    case 'not': {
      const matches = matcherOf(filter.filter, attributes);
      return (object) => !matches(object);
    }
    case 'valuePath': {
      const { definition, read } = resolve(filter.path, attributes);
      const matches = matcherOf(filter.filter, definition?.subAttributes ?? []);
      return (object) => read(object).some((value) => isObject(value) && matches(value));
    }
    case 'present': {
      const { read } = resolve(filter.path, attributes);
      return (object) => read(object).some(isPresent);
    }
    case 'comparison': {
      const { definition, read } = resolveSimple(filter.path, attributes);
      const matches = comparisonOf(filter.operator, filter.value, definition);
      // An unassigned attribute compares like null (RFC 7643, 2.5).
      return (object) => {
        let unassigned = true;
        for (const value of read(object)) {
          if (!isPresent(value)) continue;
          if (matches(value)) return true;
          unassigned = false;
        }
        return unassigned && matches(null);
      };
    }
  }
}

interface Resolved {
  definition?: AttributeDefinition;
  /** All values, which are several for a multi-valued attribute. */
  read: (object: ScimObject) => unknown[];
}

function resolve(path: AttributePath, attributes: readonly AttributeDefinition[]): Resolved {
  let definition: AttributeDefinition | undefined;
  let level: readonly AttributeDefinition[] | undefined = attributes;
  const names: string[] = [];
  for (const segment of segmentsOf(path)) {
    definition = level?.find(({ name }) => name.toLowerCase() === segment);
    if (!definition) return { read: () => [] };
    level = definition.subAttributes;
    names.push(definition.name);
  }
  return { definition, read: (object) => valuesAt(object, names) };
}

/** The default sub-attribute of a multi-valued complex attribute is `value` (RFC 7643, 2.4). */
function resolveSimple(path: AttributePath, attributes: readonly AttributeDefinition[]): Resolved {
  const resolved = resolve(path, attributes);
  const { type, multiValued } = resolved.definition ?? {};
  if (type !== 'complex') return resolved;
  return multiValued ? resolve({ ...path, subAttribute: 'value' }, attributes) : { read: () => [] };
}

/** Written as a loop, because a PATCH can evaluate many filters on many members. */
function valuesAt(value: unknown, names: readonly string[], depth = 0, found: unknown[] = []): unknown[] {
  if (Array.isArray(value)) for (const one of value) valuesAt(one, names, depth, found);
  else if (depth === names.length) found.push(value);
  else if (isObject(value)) valuesAt(attributeOf(value, names[depth]!), names, depth + 1, found);
  return found;
}

/** Empty strings, lists and objects count as unassigned (RFC 7643, 2.5; RFC 7644, 3.4.2.2 on `pr`). */
const isPresent = (value: unknown): boolean =>
  isObject(value) ? Object.values(value).some(isPresent) : value !== undefined && value !== null && value !== '';

function comparisonOf(
  operator: ComparisonOperator,
  operand: FilterValue,
  definition: AttributeDefinition | undefined,
): (value: unknown) => boolean {
  if (operand === null && operator === 'eq') return (value) => value === null;
  if (operand === null && operator === 'ne') return (value) => value !== null;
  switch (definition?.type) {
    case undefined:
    case 'complex':
      return () => operator === 'ne';
    case 'boolean': {
      const expected = booleanOperand(operator, operand);
      return (value) => (value === expected) === (operator === 'eq');
    }
    case 'dateTime': {
      const time = dateTimeOperand(operator, operand).getTime();
      return ordered(operator, (value) => (typeof value === 'string' ? Date.parse(value) - time : NaN));
    }
    case 'string':
    case 'reference':
      return stringComparison(operator, stringOperand(operand), definition.caseExact === true);
  }
}

function stringComparison(operator: ComparisonOperator, operand: string, caseExact: boolean) {
  const fold = caseExact ? (text: string) => text : foldCase;
  const expected = fold(operand);
  const onText = (test: (text: string) => boolean) => (value: unknown) =>
    typeof value === 'string' && test(fold(value));
  switch (operator) {
    case 'co':
      return onText((text) => text.includes(expected));
    case 'sw':
      return onText((text) => text.startsWith(expected));
    case 'ew':
      return onText((text) => text.endsWith(expected));
    case 'eq':
      return onText((text) => text === expected);
    case 'ne':
      return (value: unknown) => typeof value !== 'string' || fold(value) !== expected;
    default:
      return ordered(operator, (value) => (typeof value === 'string' ? compareCodePoints(fold(value), expected) : NaN));
  }
}

/** @param difference negative, zero or positive; NaN for a value that cannot be compared */
function ordered(operator: ComparisonOperator, difference: (value: unknown) => number): (value: unknown) => boolean {
  const tests: Partial<Record<ComparisonOperator, (difference: number) => boolean>> = {
    eq: (n) => n === 0,
    ne: (n) => n !== 0,
    gt: (n) => n > 0,
    ge: (n) => n >= 0,
    lt: (n) => n < 0,
    le: (n) => n <= 0,
  };
  const test = tests[operator] ?? (() => false);
  return (value) => test(difference(value));
}

/** Like PostgreSQL's collation "C". UTF-16, in which JavaScript compares, orders some characters differently. */
const compareCodePoints = (left: string, right: string): number =>
  Buffer.compare(Buffer.from(left), Buffer.from(right));
