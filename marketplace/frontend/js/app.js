import "htmx.org";
import "htmx.org/dist/ext/hx-sse.js";
import Alpine from "@alpinejs/csp";
import { listen, tabs } from "./components.js";
import { playground } from "./playground.js";

Alpine.data("tabs", tabs);
Alpine.data("playground", playground);
Alpine.start();
listen();
