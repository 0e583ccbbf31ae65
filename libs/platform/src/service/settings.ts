import { fieldTypes, schemaOf, type Class } from '#libs/contracts';
import { variable, type BaseConfig } from './config.js';

/** A setting, for documentation. */
export interface Setting {
  /** The environment variable. */
  name: string;
  required: boolean;
  /** The default; absent if there is none. */
  preset?: string;
  about: string;
}

/** The settings in a configuration class, inherited ones first. */
export function settingsOf(type: Class<BaseConfig>): Setting[] {
  const presets: Record<string, unknown> = { ...new type() };
  const { properties, required = [] } = schemaOf(type) as {
    properties: Record<string, { description?: string }>;
    required?: string[];
  };
  return [...fieldTypes(type).keys()].map((field) => {
    const preset = presets[field];
    return {
      name: variable(field),
      required: required.includes(field) && preset === undefined,
      ...(preset !== undefined && { preset: String(preset) }),
      about: properties[field]!.description ?? '',
    };
  });
}
