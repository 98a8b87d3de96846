// What the packages that pages use look like from here.
declare module "@alpinejs/csp" {
  const Alpine: {
    data(name: string, component: () => object): void;
    start(): void;
  };
  export default Alpine;
}
declare module "htmx.org";
