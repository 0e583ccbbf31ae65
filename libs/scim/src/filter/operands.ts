import { invalidFilter, type ComparisonOperator, type FilterValue } from './filter.js';

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** @throws Problem `validation` with `invalidFilter` */
export function stringOperand(value: FilterValue): string {
  if (typeof value !== 'string') throw invalidFilter('A string attribute must be compared with a string.');
  return value;
}

/** Entra sends "True" and "False" as strings. @throws Problem `validation` with `invalidFilter` */
export function booleanOperand(operator: ComparisonOperator, value: FilterValue): boolean {
  const literal = String(value).toLowerCase();
  if ((operator !== 'eq' && operator !== 'ne') || (literal !== 'true' && literal !== 'false'))
    throw invalidFilter('A boolean attribute supports eq and ne with true or false.');
  return literal === 'true';
}

/** @throws Problem `validation` with `invalidFilter` */
export function dateTimeOperand(operator: ComparisonOperator, value: FilterValue): Date {
  const time = typeof value === 'string' && DATE_TIME.test(value) ? new Date(value) : undefined;
  if (!time || Number.isNaN(time.getTime())) throw invalidFilter('A time must have the format 2030-01-31T12:00:00Z.');
  if (operator === 'co' || operator === 'sw' || operator === 'ew')
    throw invalidFilter('A time supports eq, ne, gt, ge, lt and le.');
  return time;
}
