import type { ReactNode } from 'react';
import { Icon } from '../icon';

interface SelectProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [value: T, text: string])[];
  onChange: (value: T) => void;
  disabled?: boolean;
  /** An icon in front, as of a fate. */
  icon?: ReactNode;
}

/** The browser's own control: it works with every keyboard, screen reader and phone. */
export function Select<T extends string>({ label, value, options, onChange, disabled, icon }: SelectProps<T>) {
  return (
    <span className={icon ? 'select fated' : 'select'}>
      {icon}
      <select
        aria-label={label}
        value={value}
        disabled={disabled}
        onChange={(event) => onChange(event.target.value as T)}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
      <Icon name="down" className="sm" />
    </span>
  );
}
