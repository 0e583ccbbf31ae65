import { isObject } from 'class-validator';
import { fieldsOf, type Class } from './registry.js';

export interface InvalidField {
  /** From the validated object on: `trigger.userIds`, `users.3.userId`. */
  path: string;
  /** The last part of the path. */
  name: string;
  value: unknown;
  /** By the name of the failed check; never empty. */
  messages: Record<string, string>;
}

interface Options {
  /** What to do with properties that the class does not declare. */
  unknown?: 'refuse' | 'ignore';
}

/** Checks an object and what is nested in it against the declared fields. It may be a plain object or an instance. */
export function validate(type: Class, object: object, { unknown = 'refuse' }: Options = {}): InvalidField[] {
  const validation = new Validation(unknown === 'refuse');
  validation.object(type, object, '');
  return validation.invalid;
}

class Validation {
  readonly invalid: InvalidField[] = [];

  constructor(private readonly refuseUnknown: boolean) {}

  object(type: Class, object: object, prefix: string): void {
    const values = object as Record<string, unknown>;
    const fields = fieldsOf(type);
    if (this.refuseUnknown) {
      for (const name of Object.keys(values)) {
        if (!fields.has(name)) this.add(prefix, name, values[name], { unknown: 'There is no such field' });
      }
    }
    for (const [name, { required, nullable, checks, nested }] of fields) {
      const value = values[name];
      if (value === undefined && !required) continue;
      if (value === null && nullable) continue;
      const failed = checks.filter(({ accepts }) => !accepts(value));
      if (failed.length > 0) {
        this.add(prefix, name, value, Object.fromEntries(failed.map((one) => [one.name, one.explain(name)])));
      } else if (nested) {
        this.nested(nested(), value, prefix + name);
      }
    }
  }

  /** What is neither a list nor an object is left to the field's checks. */
  private nested(type: Class, value: unknown, path: string): void {
    if (isObject(value)) this.object(type, value, `${path}.`);
    if (!Array.isArray(value)) return;
    for (const [index, item] of value.entries()) {
      if (isObject(item)) this.object(type, item, `${path}.${index}.`);
      else this.add(`${path}.`, String(index), item, { isObject: 'each item must be an object' });
    }
  }

  private add(prefix: string, name: string, value: unknown, messages: Record<string, string>): void {
    this.invalid.push({ path: prefix + name, name, value, messages });
  }
}
