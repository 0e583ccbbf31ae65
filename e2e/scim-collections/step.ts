import type { ScimApi } from '../support/scim-api.js';
import { story } from '../support/story.js';

type Send = readonly [method: string, path: string, body?: unknown];

/** One request of a collection with the expected answer. `{{name}}` stands for a value kept from an earlier answer. */
export interface Step {
  /** What the collection expects, in our words. Ends the title "… asks for …". */
  asks: string;
  /** Method, path below `/scim/v2`, and body. */
  send: Send;
  /** Additional headers; they can replace the bearer token. */
  headers?: Record<string, string>;
  status: number;
  /** What the answer has to contain at least. */
  holds?: unknown;
  /** Values to keep for later steps: the path in the answer, by name. */
  keep?: Readonly<Record<string, string>>;
  /** If the collection expects another answer: the row of `docs/scim.md` that names both sources. */
  differs?: string;
}

/** Runs the steps in order, each as a test. */
export function play(steps: readonly Step[], scim: () => ScimApi): void {
  const known: Record<string, string> = {};
  const test = story();
  for (const step of steps) {
    test(step.asks, async () => {
      const [method, path, body] = filled(step.send, known) as Send;
      const { status, body: answer } = await scim().send(method, path, body, step.headers);
      const expected = step.holds === undefined ? {} : { answer: filled(step.holds, known) };
      expect({ status, answer }).toMatchObject({ status: step.status, ...expected });
      for (const [name, at] of Object.entries(step.keep ?? {})) known[name] = String(partOf(answer, at));
    });
  }
}

function filled(value: unknown, known: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string')
    return value.replace(/\{\{(\w+)\}\}/g, (_whole, name: string) => {
      if (known[name] === undefined) throw new Error(`No earlier step has kept ${name}.`);
      return known[name];
    });
  if (Array.isArray(value)) return value.map((one) => filled(one, known));
  if (value instanceof Including)
    return expect.arrayContaining(value.items.map((one) => expect.objectContaining(filled(one, known) as object)));
  // Jest matchers are not copied.
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filled(one, known)]));
}

function partOf(answer: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((within, key) => (within as Record<string, unknown>)[key], answer);
}

export const LIST = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
export const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';
export const TEXT = expect.stringMatching(/./);
export const NUMBER = expect.any(Number);

/** The expected answer of a refused request. */
export const refused = (status: number, more: object = {}) => ({
  schemas: [ERROR],
  status: String(status),
  detail: TEXT,
  ...more,
});

/** Matches a list that contains an item like each of these. */
export const including = (...items: object[]) => new Including(items);

class Including {
  constructor(readonly items: readonly object[]) {}
}
