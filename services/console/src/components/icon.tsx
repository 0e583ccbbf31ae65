import { createElement } from 'react';
import { ICONS, type IconName } from '../design/icons';

interface IconProps {
  name: IconName;
  className?: string;
}

/** Decorative: the text beside it says the same. */
export function Icon({ name, className }: IconProps) {
  return (
    <svg className={className ? `icon ${className}` : 'icon'} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {ICONS[name].map(([shape, attributes], index) => createElement(shape, { key: index, ...attributes }))}
    </svg>
  );
}
