import type { ScimApi } from '../scim-api.js';
import { story } from '../story.js';

type Send = readonly [method: string, path: string, body?: unknown];

/** One request of a collection, and what it has to be answered. `{{name}}` anywhere stands for what is known by then. */
export interface Step {
  /** What the collection asks for, in our words. */
  asks: string;
  /** Method, path below `/scim/v2`, and body. */
  send: Send;
  /** In place of the bearer token, or beside it. */
  headers?: Record<string, string>;
  status: number;
  /** What the answer holds at least. */
  holds?: unknown;
  /** What later steps know by which name, and where in the answer it stands. */
  keep?: Readonly<Record<string, string>>;
  /** Where the collection wants another answer: the row of `docs/scim.md` that names both sources. */
  differs?: string;
}

/** Plays the steps in their order, each as a test of its own. */
export function play(steps: readonly Step[], scim: () => ScimApi): void {
  const known: Record<string, string> = {};
  const tell = story();
  for (const step of steps) {
    tell(step.asks, async () => {
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
  // Matchers stay what they are.
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

/** An answer of a refused request. */
export const refused = (status: number, more: object = {}) => ({
  schemas: [ERROR],
  status: String(status),
  detail: TEXT,
  ...more,
});

/** A list in which each of these is found, among others. */
export const including = (...items: object[]) => new Including(items);

class Including {
  constructor(readonly items: readonly object[]) {}
}
