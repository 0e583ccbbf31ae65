import type { ScimObject, ScimProjection } from '#libs/contracts';
import { isSchemaKey, segmentsOf } from './attribute-path.js';
import { tryParsePatchPath } from './filter/filter-parser.js';
import { isObject } from './values.js';

/** Attributes whose `returned` characteristic is `always` (RFC 7643, 7). */
const ALWAYS_RETURNED = ['schemas', 'id'];
/** Names separated by commas. A comma inside a quoted string is no separator. */
const NAMES = /(?:"(?:[^"\\]|\\[^])*"|[^,"]|")+/g;

/** The names in a parameter like `attributes`. */
export const splitAttributeNames = (list: string): string[] =>
  (list.match(NAMES) ?? []).map((name) => name.trim()).filter((name) => name !== '');

/** The resource with the attributes that the client asks for (RFC 7644, 3.9). */
export function project(
  resource: ScimObject,
  { attributes = [], excludedAttributes = [] }: ScimProjection,
): ScimObject {
  const always = Object.fromEntries(Object.entries(resource).filter(([name]) => ALWAYS_RETURNED.includes(name)));
  if (attributes.length > 0) return { ...always, ...pick(resource, attributes.map(segmentsOfName)) };
  return { ...omit(resource, excludedAttributes.map(segmentsOfName)), ...always };
}

/** Whether the projection keeps the attribute, so that callers can skip computing it. */
export const isReturned = (name: string, { attributes = [], excludedAttributes = [] }: ScimProjection): boolean =>
  attributes.length > 0
    ? attributes.some((path) => segmentsOfName(path)[0] === name)
    : !excludedAttributes.some((path) => segmentsOfName(path).join() === name);

/**
 * Segments of a name in a projection. Value filters, which Microsoft's test collection sends, are ignored. A name that
 * is not a path has no segments.
 */
function segmentsOfName(name: string): string[] {
  if (isSchemaKey(name)) return [name.toLowerCase()];
  const path = tryParsePatchPath(name);
  return path ? segmentsOf(path) : [];
}

function pick(object: ScimObject, paths: readonly string[][]): ScimObject {
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]) => {
      const below = pathsBelow(paths, name);
      if (below.length === 0) return [];
      const whole = below.some((path) => path.length === 0);
      return [[name, whole ? value : mapObjects(value, (inner) => pick(inner, below))]];
    }),
  );
}

function omit(object: ScimObject, paths: readonly string[][]): ScimObject {
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]) => {
      const below = pathsBelow(paths, name);
      if (below.some((path) => path.length === 0)) return [];
      return [[name, below.length === 0 ? value : mapObjects(value, (inner) => omit(inner, below))]];
    }),
  );
}

const pathsBelow = (paths: readonly string[][], name: string): string[][] =>
  paths.filter(([first]) => first === name.toLowerCase()).map(([, ...rest]) => rest);

function mapObjects(value: unknown, map: (object: ScimObject) => ScimObject): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => mapObjects(one, map));
  return isObject(value) ? map(value) : value;
}
