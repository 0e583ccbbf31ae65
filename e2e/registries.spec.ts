import { readdir, readFile } from 'node:fs/promises';
import { handlerMetadata } from '#libs/broker';
import { ALL_OPERATIONS } from '#libs/contracts';
import type { Rule } from '#libs/lifecycle';
import { PARTS } from './support/foundation.js';

const services = new URL('../services/', import.meta.url);
const moduleFile = (service: string) => `services/${service}/src/${service}.module.ts`;

interface NestModule {
  module?: object;
  imports?: NestModule[];
  controllers?: { prototype: object }[];
}

/** Controllers of a module and of those that it imports. */
function controllersIn(given: NestModule | object): { prototype: object }[] {
  const { module = given, imports = [], controllers = [] } = given as NestModule;
  const declared = (kind: string) => (Reflect.getMetadata(kind, module) ?? []) as never[];
  return [
    ...[...controllers, ...declared('controllers')],
    ...[...imports, ...declared('imports')].flatMap((one) => controllersIn(one)),
  ];
}

function* operationsHandledBy({ prototype }: { prototype: object }): Generator<string> {
  for (let at = prototype; at && at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(at))) {
      const operation = typeof value === 'function' ? handlerMetadata(value as object)?.operation : undefined;
      if (operation) yield operation.id;
    }
}

/** The rules for which a spec file calls `behavesLikeARule`: by name, or as `for (const [id, …] of [['…', …]])`. */
function suitesIn(text: string): string[] {
  const named = text.matchAll(/behavesLikeARule\(\s*\w+,\s*'([^']+)'/g);
  const loops = text.matchAll(/for \(const \[id\b.*?\] of \[(.*?)\] as const\) {\s*behavesLikeARule\(\w+, id,/gs);
  const looped = [...loops].flatMap(([, list]) => [...list!.matchAll(/\['([^']+)'/g)]);
  return [...named, ...looped].map(([, id]) => id!);
}

describe.each(PARTS)('service $name', ({ name, module, migrations }) => {
  const source = new URL(`${name}/src/`, services);

  it('handles every operation that it declares', () => {
    const answered = new Set(controllersIn(module).flatMap((controller) => [...operationsHandledBy(controller)]));
    const missing = ALL_OPERATIONS.filter(
      ({ id, service, custom }) => service === name && !custom && !answered.has(id),
    );
    const advice = `list its controller in \`resources\` of ${moduleFile(name)}`;
    expect(missing.map(({ id }) => `${id} has no handler: ${advice}`)).toEqual([]);
  });

  it('includes every migration in its folder', async () => {
    const files = (await readdir(new URL('migrations/', source))).filter((file) => /^\d/.test(file));
    const listed = new Set(migrations.map((migration) => `${migration.name}.ts`));
    const missing = files.filter((file) => !listed.has(file));
    expect(files).not.toEqual([]);
    expect(missing.map((file) => `${file} is never applied: list it in \`migrations\` of ${moduleFile(name)}`)).toEqual(
      [],
    );
  });

  it('runs the common tests for each of its rules', async () => {
    const declared = (await import(`../services/${name}/src/departures/${name}.rules.js`)) as Record<string, Rule[]>;
    const rules = declared[`${name}Rules`]!;
    const files = (await readdir(source, { recursive: true })).filter((file) => file.endsWith('.spec.ts'));
    const texts = await Promise.all(files.map((file) => readFile(new URL(file, source), 'utf8')));
    const tested = new Set(texts.flatMap(suitesIn));
    const untested = rules.filter(({ id }) => !tested.has(id));
    const advice = `call \`behavesLikeARule\` in departures/${name}.rules.spec.ts`;
    expect(untested.map(({ id }) => `${id} is not tested: ${advice}`)).toEqual([]);
  });
});
