import { Outlet } from '@tanstack/react-router';
import { Toasts } from '../components/toast';
import { Offline } from './shell/offline';

export function Root() {
  return (
    <>
      <Outlet />
      <Offline />
      <Toasts />
    </>
  );
}
