import { SCIM_ENTERPRISE_USER, type ScimObject, type ScimView } from '#libs/contracts';
import { isObject } from './values.js';

/** What is in every answer. */
const ALWAYS = ['schemas', 'id'];
const CORE = /^urn:ietf:params:scim:schemas:core:2\.0:(user|group):/;
const ENTERPRISE = SCIM_ENTERPRISE_USER.toLowerCase();

/** The resource with the attributes that the client wants (RFC 7644, 3.9). */
export function project(resource: ScimObject, { attributes = [], excludedAttributes = [] }: ScimView): ScimObject {
  if (attributes.length > 0) return { ...always(resource), ...pick(resource, attributes.map(segments)) };
  return { ...omit(resource, excludedAttributes.map(segments)), ...always(resource) };
}

/** Whether the attribute would be in the answer, for what costs something to find out. */
export const wants = (name: string, { attributes = [], excludedAttributes = [] }: ScimView): boolean =>
  attributes.length > 0
    ? attributes.some((path) => segments(path)[0] === name)
    : !excludedAttributes.some((path) => segments(path).join() === name);

/** `name.givenName` in its parts; the enterprise extension is one of them. What is in brackets chooses nothing here. */
function segments(path: string): string[] {
  const lower = path
    .toLowerCase()
    .replace(CORE, '')
    .replace(/\[.*?\]/g, '');
  if (lower === ENTERPRISE) return [ENTERPRISE];
  if (lower.startsWith(`${ENTERPRISE}:`)) return [ENTERPRISE, ...lower.slice(ENTERPRISE.length + 1).split('.')];
  return lower.split('.');
}

const always = (resource: ScimObject): ScimObject =>
  Object.fromEntries(ALWAYS.flatMap((name) => (name in resource ? [[name, resource[name]]] : [])));

function pick(from: ScimObject, paths: readonly string[][]): ScimObject {
  return Object.fromEntries(
    Object.entries(from).flatMap(([name, value]) => {
      const own = below(paths, name);
      if (own.length === 0) return [];
      return [[name, own.some((rest) => rest.length === 0) ? value : within(value, (part) => pick(part, own))]];
    }),
  );
}

function omit(from: ScimObject, paths: readonly string[][]): ScimObject {
  return Object.fromEntries(
    Object.entries(from).flatMap(([name, value]) => {
      const own = below(paths, name);
      if (own.some((rest) => rest.length === 0)) return [];
      return [[name, own.length === 0 ? value : within(value, (part) => omit(part, own))]];
    }),
  );
}

const below = (paths: readonly string[][], name: string): string[][] =>
  paths.filter(([first]) => first === name.toLowerCase()).map(([, ...rest]) => rest);

function within(value: unknown, change: (part: ScimObject) => ScimObject): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => within(one, change));
  return isObject(value) ? change(value) : value;
}
