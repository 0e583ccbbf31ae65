import { readFileSync } from 'node:fs';

/** One variable of the environment, or what the file holds that the variable with _FILE at its end names; as for the services. */
export function setting(env, name) {
  const file = env[`${name}_FILE`];
  return file ? readFileSync(file, 'utf8').trim() : env[name];
}
