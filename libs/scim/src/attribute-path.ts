import type { ScimObject } from '#libs/contracts';
import { SCIM_ENTERPRISE_USER, SCIM_GROUP, SCIM_USER } from './urns.js';
import { isObject } from './values.js';

/** The name of an attribute (RFC 7644, 3.10). All parts are in lower case, because SCIM ignores their case. */
export interface AttributePath {
  /** The URN of the schema, where the path names one. */
  schema?: string;
  name: string;
  subAttribute?: string;
}

const SYNTAX = /^(?:(urn:[\w:.%/-]+):)?([a-z$][\w$-]*)(?:\.([a-z$][\w$-]*))?$/i;
const SCHEMAS = [SCIM_USER, SCIM_GROUP, SCIM_ENTERPRISE_USER].map((urn) => urn.toLowerCase());
const CORE_SCHEMAS = SCHEMAS.slice(0, 2);

/** Undefined if the text is not an attribute path. */
export function parseAttributePath(text: string): AttributePath | undefined {
  const [whole, schema, name, subAttribute] = SYNTAX.exec(text) ?? [];
  if (whole === undefined || name === undefined) return undefined;
  return {
    ...(schema !== undefined && { schema: schema.toLowerCase() }),
    name: name.toLowerCase(),
    ...(subAttribute !== undefined && { subAttribute: subAttribute.toLowerCase() }),
  };
}

/** The names that lead from a resource to the attribute. Attributes of an extension are in an object under its URN. */
export function segmentsOf({ schema, name, subAttribute }: AttributePath): string[] {
  const container = schema === undefined || CORE_SCHEMAS.includes(schema) ? [] : [schema];
  return [...container, name, ...(subAttribute === undefined ? [] : [subAttribute])];
}

/** Identifies an attribute in a map: `name.givenname`, or `<urn>.employeenumber` for an extension. */
export const attributeKey = (path: AttributePath): string => segmentsOf(path).join('.');

/** The key of the attribute to which a sub-attribute belongs. */
export const parentKey = ({ subAttribute: _, ...path }: AttributePath): string => attributeKey(path);

/** Whether the key is the URN of a schema, and its value an object with attributes of that schema. */
export const isSchemaKey = (key: string): boolean => SCHEMAS.includes(key.toLowerCase());

/** The entries of an object, with those inside a schema's object under their full path. */
export function flattenSchemas(object: ScimObject): [path: string, value: unknown][] {
  return Object.entries(object).flatMap(([key, value]): [string, unknown][] => {
    if (!isSchemaKey(key)) return [[key, value]];
    return isObject(value) ? Object.entries(value).map(([name, inner]) => [`${key}:${name}`, inner]) : [];
  });
}
