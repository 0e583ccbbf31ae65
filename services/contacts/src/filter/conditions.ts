import { Problem, RECORD_TYPES, type FilterField, type FilterOp, type NewFilterCondition } from '#libs/contracts';

/** A condition as it is stored. */
export interface Condition {
  field: FilterField;
  op: FilterOp;
  value: string | null;
  userId: string | null;
}

const PEOPLE: readonly FilterField[] = ['assignee', 'ownerId'];
const TYPES: readonly string[] = RECORD_TYPES;
const USER_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws Problem `validation` if a field does not support the operator or the value */
export function readConditions(given: readonly NewFilterCondition[]): Condition[] {
  const errors = given.flatMap((condition, index) => {
    const fault = errorIn(condition);
    return fault ? [{ field: `conditions.${index}.${fault[0]}`, message: fault[1] }] : [];
  });
  if (errors.length > 0) throw new Problem('validation', { errors });
  return given.map(({ field, op, value = null }) =>
    PEOPLE.includes(field) ? { field, op, value: null, userId: value } : { field, op, value, userId: null },
  );
}

function errorIn({
  field,
  op,
  value = null,
}: NewFilterCondition): [field: 'op' | 'value', message: string] | undefined {
  if (op === 'is-empty') return value === null ? undefined : ['value', 'is-empty takes no value'];
  if (value === null) return ['value', 'value is required'];
  const person = PEOPLE.includes(field);
  if (op === 'contains') return person || field === 'type' ? ['op', 'contains works only for text fields'] : undefined;
  if (person && !USER_ID.test(value)) return ['value', 'value must be the id of a user'];
  if (field === 'type' && !TYPES.includes(value)) return ['value', `value must be one of ${TYPES.join(', ')}`];
  return undefined;
}

/** Whether two conditions compare the same field in the same way with the same user; other values are not compared. */
export const sameCondition = (a: Condition, b: Condition): boolean =>
  a.field === b.field && a.op === b.op && a.userId === b.userId;
