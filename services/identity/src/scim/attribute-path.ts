import { SCIM_ENTERPRISE_USER, SCIM_GROUP, SCIM_USER, type ScimObject } from '#libs/contracts';
import { scimProblem } from './faults.js';
import { isObject } from './values.js';

/** What a path of RFC 7644 (3.10) points at. Names are in lower case: SCIM takes them in any. */
export interface AttributePath {
  /** Whether it is one of the enterprise extension. */
  enterprise: boolean;
  name: string;
  /** What stands in the brackets. */
  filter?: string;
  sub?: string;
}

const LONGEST = 1_000;
const FORM = /^(?:(urn:[\w:.-]+):)?([a-z$][\w$-]*)(?:\[([^\]]*)\])?(?:\.([a-z$][\w$-]*))?$/i;
const CORE = [SCIM_USER, SCIM_GROUP].map((urn) => urn.toLowerCase());
const ENTERPRISE = SCIM_ENTERPRISE_USER.toLowerCase();

/** @throws Problem `validation` with `invalidPath` */
export function parsePath(text: string): AttributePath {
  const path = pathOf(text);
  if (!path) throw scimProblem('invalidPath', 'The path is not one of RFC 7644.');
  return path;
}

/** Undefined for what is no path. Attributes of schemas that are none of ours come out under a name that nobody has. */
export function pathOf(text: string): AttributePath | undefined {
  const [whole, urn, name, filter, sub] = (text.length <= LONGEST && FORM.exec(text.trim())) || [];
  if (!whole || !name) return undefined;
  const schema = urn?.toLowerCase();
  const foreign = schema !== undefined && schema !== ENTERPRISE && !CORE.includes(schema);
  return {
    enterprise: schema === ENTERPRISE,
    name: foreign ? `${schema}:${name.toLowerCase()}` : name.toLowerCase(),
    ...(filter !== undefined && { filter }),
    ...(sub !== undefined && { sub: sub.toLowerCase() }),
  };
}

/**
 * What an object of attributes says, and of which. Keys may be names, dotted names, whole paths, or schemas with an
 * object of attributes. What is none of it says nothing.
 */
export function attributesIn(attributes: ScimObject): [AttributePath, unknown][] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    const inner = schemaKey(key) ? (isObject(value) ? value : {}) : undefined;
    const named = inner
      ? Object.entries(inner).map(([name, one]) => [`${key}:${name}`, one] as const)
      : [[key, value] as const];
    return named.flatMap(([name, one]): [AttributePath, unknown][] => {
      const path = pathOf(name);
      return path ? [[path, one]] : [];
    });
  });
}

/** Whether the key names a whole schema, whose attributes stand in the object beside it. */
export function schemaKey(key: string): boolean {
  const lower = key.toLowerCase();
  return lower === ENTERPRISE || CORE.includes(lower);
}
